from __future__ import annotations

from image.builder.layout import PARTITIONS, starts
from tests.pictures.card import draw, places


def test_every_partition_is_drawn_where_the_recipe_puts_it() -> None:
    shown = places()
    assert [place.name for place in shown[1:]] == [each.name for each in PARTITIONS]
    assert [place.sector for place in shown[1:]] == list(starts().values())
    svg = draw(shown)
    for partition in PARTITIONS:
        assert f">{partition.name}<" in svg
        assert f">{partition.mib} MiB" in svg
        assert f">sector {starts()[partition.name]}<" in svg

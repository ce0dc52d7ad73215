"""The partitions: in order, without overlap, with the loader's sectors left free."""

from __future__ import annotations

from image.builder import layout
from image.builder.firmware import OVERLAY


def test_partitions_follow_each_other() -> None:
    starts = layout.starts()
    end = layout.FIRST_PARTITION_SECTOR
    for partition in layout.PARTITIONS:
        assert starts[partition.name] == end
        end += partition.sectors
    assert layout.disk_bytes() >= end * layout.SECTOR + 33 * layout.SECTOR


def test_the_loader_has_the_first_16_mib() -> None:
    assert layout.FIRST_PARTITION_SECTOR == 32768


def test_ids_are_the_same_in_every_build_and_none_twice() -> None:
    assert layout.script() == layout.script()
    ids = [line.split("uuid=")[1][:36] for line in layout.script().splitlines() if "uuid=" in line]
    assert len(ids) == len(set(ids)) == len(layout.PARTITIONS)


def test_only_the_data_partition_grows() -> None:
    grows = (OVERLAY / "usr/lib/repart.d/50-luna-data.conf").read_text("utf-8")
    assert f"Type={layout.DATA_TYPE.lower()}\n" in grows
    assert [p.name for p in layout.PARTITIONS if p.type == layout.DATA_TYPE] == ["luna-data"]

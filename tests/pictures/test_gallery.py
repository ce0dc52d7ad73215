from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from tests.pictures.gallery import FOLDER, ROOT, charts, drawn

README = ROOT / "image/README.md"
LARGEST = 100_000
REMEDY = "draw them anew: python -m tests.pictures"


@pytest.mark.parametrize("name", [name for name in drawn() if name.endswith(".svg")])
def test_a_drawing_is_what_would_be_drawn_today(name: str) -> None:
    assert (FOLDER / name).read_bytes() == drawn()[name], REMEDY


def test_the_label_is_what_would_be_printed_today() -> None:
    with (
        Image.open(FOLDER / "label.png") as kept,
        Image.open(BytesIO(drawn()["label.png"])) as new,
    ):
        assert ImageChops.difference(kept, new).getbbox() is None, REMEDY


def test_every_picture_is_small_and_shown() -> None:
    text = README.read_text("utf-8")
    for file in FOLDER.iterdir():
        assert file.stat().st_size <= LARGEST
        assert f"](pictures/{file.name})" in text


def test_charts_are_taken_where_there_are_some(tmp_path: Path) -> None:
    assert charts(tmp_path) == {}
    (tmp_path / "boot.svg").write_text("<svg/>")
    assert charts(tmp_path) == {"boot.svg": b"<svg/>"}

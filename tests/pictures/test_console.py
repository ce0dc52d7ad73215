from __future__ import annotations

from xml.etree import ElementTree

import pytest

from tests.pictures.console import Style, draw, runs

SVG = "{http://www.w3.org/2000/svg}"


def test_colours_last_until_they_are_taken_back() -> None:
    bold = Style(bold=True)
    line = "a\x1b[1mb\x1b[32mc\x1b[0md"
    assert list(runs(line)) == [
        (Style(), "a"),
        (bold, "b"),
        (bold.after(32), "c"),
        (Style(), "d"),
    ]


def test_blocks_are_rectangles_at_their_places_and_words_are_as_wide_as_their_cells() -> None:
    svg = ElementTree.fromstring(draw("A screen", ["  ▄▄ one two "], 20))
    block = svg.findall(f"{SVG}rect")[1]
    assert [block.get(each) for each in ("x", "y", "width", "height")] == ["32", "24", "16", "8"]
    (words,) = svg.findall(f"{SVG}text")
    assert (words.text, words.get("x"), words.get("textLength")) == ("one two", "56", "56")


def test_a_line_that_does_not_fit_is_no_picture() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        draw("A screen", ["x" * 21], 20)

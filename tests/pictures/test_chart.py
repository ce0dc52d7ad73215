from __future__ import annotations

from xml.etree import ElementTree

import pytest

from tests.pictures.chart import Start, bars, read_starts, slowest, timeline

SVG = "{http://www.w3.org/2000/svg}"


def drawn(svg: str, tag: str) -> list[ElementTree.Element]:
    return ElementTree.fromstring(svg).findall(f"{SVG}{tag}")


def words(svg: str) -> list[str]:
    return [each.text or "" for each in drawn(svg, "text")]


def test_what_systemd_tells_is_read_and_what_never_became_active_is_left_out() -> None:
    plot: list[dict[str, object]] = [
        {"name": "a.service", "activating": 2_000_000, "activated": 3_500_000},
        {"name": "b.service", "activating": 4_000_000, "activated": 0},
        {"name": "c.service", "activating": None, "activated": None},
    ]
    assert read_starts(plot) == [Start("a.service", 2.0, 3.5)]


def test_ours_are_always_among_the_slowest() -> None:
    starts = [
        Start("luna-api.service", 9.0, 9.1),
        Start("slow.service", 1.0, 8.0),
        Start("quick.service", 0.0, 0.1),
        Start("basic.target", 0.0, 99.0),
    ]
    units = [each.unit for each in slowest(starts, 2)]
    assert units == ["slow.service", "luna-api.service"]


@pytest.mark.parametrize("end", [0.9, 7.3, 99.0, 3600.0])
def test_a_bar_begins_and_ends_where_the_axis_says(end: float) -> None:
    svg = timeline("Start", "a note", [Start("a.service", end / 2, end)], end)
    first, *_ = drawn(svg, "line")[1:]
    ground, bar = drawn(svg, "rect")
    assert ground.get("width") == "100%"
    left, right = float(bar.attrib["x"]), float(bar.attrib["x"]) + float(bar.attrib["width"])
    zero = float(first.attrib["x1"])
    assert right - left == pytest.approx(left - zero, abs=0.2)
    assert right < 860 - 24
    assert len([each for each in words(svg) if each.endswith(" s")]) <= 14


def test_the_longest_bar_is_the_largest_value() -> None:
    svg = bars("Memory", "a note", {"luna-mdns": 35.2, "luna-api": 117.9}, "MB")
    _, first, second = drawn(svg, "rect")
    assert float(first.attrib["width"]) > float(second.attrib["width"])
    assert words(svg)[2:] == ["luna-api", "117.9 MB", "luna-mdns", "35.2 MB"]


def test_a_name_cannot_be_markup() -> None:
    assert "<b> & co" in words(bars("x", "y", {"<b> & co": 1.0}, "MB"))

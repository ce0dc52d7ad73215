from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.cli.table import number, size, table


def test_figures_stand_at_the_right() -> None:
    assert table(("NAME", "SIZE"), [("a", "1"), ("long name", "23 kB")]) == (
        "NAME        SIZE\na              1\nlong name  23 kB"
    )


@given(st.lists(st.tuples(st.text(), st.text()), max_size=5))
def test_every_row_is_one_line(rows: list[tuple[str, str]]) -> None:
    assert len(table(("A", "B"), rows).split("\n")) == len(rows) + 1


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_999, "1.0 MB"), (107_614_016, "107.6 MB"),
     (4.2e9, "4.2 GB"), (3e12, "3.0 TB"), (2e15, "2000.0 TB")],
)  # fmt: skip
def test_sizes(count: float, text: str) -> None:
    assert size(count) == text


def test_numbers() -> None:
    assert [number(0), number(7), number(135_000_000)] == ["?", "7", "135.0 M"]

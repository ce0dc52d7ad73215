from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.system.pressure import parse_pressure, read_memory_pressure

TEXT = """some avg10=12.50 avg60=3.00 avg300=1.00 total=123456
full avg10=7.25 avg60=2.00 avg300=0.50 total=65432
"""


def test_the_share_of_time_in_which_everything_waited(tmp_path: Path) -> None:
    (tmp_path / "pressure").mkdir()
    (tmp_path / "pressure/memory").write_text(TEXT)
    assert read_memory_pressure(tmp_path) == 7.25


def test_a_kernel_that_does_not_count_it(tmp_path: Path) -> None:
    assert read_memory_pressure(tmp_path) is None


@pytest.mark.parametrize("text", ["", "some avg10=1.00 avg60=0.00", "full avg10=nan", "full total"])
def test_what_has_no_figure(text: str) -> None:
    assert parse_pressure(text) is None


@given(st.text())
def test_any_text_is_a_share_or_nothing(text: str) -> None:
    share = parse_pressure(text)
    assert share is None or 0 <= share <= 100

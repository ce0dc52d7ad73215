from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.events import Timings, Usage

COUNTS = st.builds(Usage, *[st.integers(0, 10**9)] * 3)


@given(COUNTS, COUNTS)
def test_usage_adds_field_by_field(one: Usage, two: Usage) -> None:
    total = one + two
    assert total == two + one
    assert total.prompt == one.prompt + two.prompt
    assert total.completion == one.completion + two.completion
    assert total.cached == one.cached + two.cached
    assert one + Usage() == one


def test_speeds_are_tokens_per_second() -> None:
    timings = Timings(prompt_tokens=100, prompt_ms=500, generated_tokens=10, generated_ms=2000)
    assert timings.prompt_per_second == pytest.approx(200)
    assert timings.generated_per_second == pytest.approx(5)


def test_no_time_is_no_speed() -> None:
    timings = Timings(0, 0, 0, 0)
    assert (timings.prompt_per_second, timings.generated_per_second) == (0, 0)

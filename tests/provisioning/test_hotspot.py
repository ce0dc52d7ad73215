from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.hotspot import choose_channel


@pytest.mark.parametrize(
    ("crowd", "channel"),
    [
        ([], 1),
        ([(2412, 50)], 6),
        ([(2412, 50), (2437, 60)], 11),
        ([(2412, 50), (2437, 60), (2462, 10)], 11),
        ([(2422, 50)], 11),  # channel 3 disturbs 1 and 6
        ([(5180, 90)], 1),  # another band
    ],
)
def test_the_calmest_channel_is_taken(crowd: list[tuple[int, int]], channel: int) -> None:
    assert choose_channel(crowd) == channel


@given(st.lists(st.tuples(st.integers(2400, 6000), st.integers(0, 100))))
def test_only_channels_that_every_country_has(crowd: list[tuple[int, int]]) -> None:
    assert choose_channel(crowd) in (1, 6, 11)
    assert choose_channel(crowd, only_5ghz=True) == 36

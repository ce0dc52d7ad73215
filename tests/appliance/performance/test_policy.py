from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.performance.policy import COOL_CELSIUS, HOT_CELSIUS, pin
from appliance.system.board import Temperature


@pytest.mark.parametrize(
    ("celsius", "pinned", "wanted"),
    [
        (40.0, False, True),
        (COOL_CELSIUS, False, False),
        (COOL_CELSIUS, True, True),
        (HOT_CELSIUS, True, False),
        (HOT_CELSIUS - 1, False, False),
    ],
)
def test_it_pins_when_cool_and_lets_go_when_hot(celsius: float, pinned: bool, wanted: bool) -> None:
    told = (Temperature("gpu-thermal", 20.0), Temperature("npu-thermal", celsius))
    assert pin(told, pinned=pinned) is wanted


def test_without_a_sensor_nothing_is_pinned() -> None:
    assert not pin((), pinned=True)


@given(st.lists(st.floats(-40, 150), min_size=1))
def test_what_is_hot_is_never_pinned(celsius: list[float]) -> None:
    told = [Temperature("zone", each) for each in celsius]
    for pinned in (False, True):
        assert not (pin(told, pinned=pinned) and max(celsius) >= HOT_CELSIUS)

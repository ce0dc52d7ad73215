from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.system.board import Temperature
from appliance.watchdog import heat

HOT = 80.0
celsius = st.floats(-40, 150)
shares = st.sampled_from([0.3, 0.6, 0.8, 1.0])


def share(degrees: float, current: float, zone: str = "npu-thermal") -> float:
    return heat.share([Temperature(zone, degrees)], HOT, current)


@pytest.mark.parametrize("zone", ["npu-thermal", "soc-thermal", "package-thermal"])
def test_the_zones_of_the_chip_count(zone: str) -> None:
    assert share(90, 1.0, zone) == 0.6


@pytest.mark.parametrize("zone", ["gpu-thermal", "x86_pkg_temp", ""])
def test_others_do_not(zone: str) -> None:
    assert share(149, 0.8, zone) == 0.8


def test_the_warmest_decides() -> None:
    both = [Temperature("soc-thermal", 96.0), Temperature("npu-thermal", 40.0)]
    assert heat.share(both, HOT, 1.0) == 0.3


@given(celsius, celsius, shares)
def test_warmer_is_never_faster(one: float, other: float, current: float) -> None:
    assert share(max(one, other), current) <= share(min(one, other), current)


@given(celsius, shares)
def test_the_same_temperature_changes_it_once(degrees: float, current: float) -> None:
    settled = share(degrees, current)
    assert share(degrees, settled) == settled


@given(st.floats(-40, 74.9), shares)
def test_what_is_cool_has_its_whole_clock(degrees: float, current: float) -> None:
    assert share(degrees, current) == 1.0

"""Slower instead of dead: the share of its clock that the NPU is left with when it is warm.

The kernel cools CPU and GPU at 75 and 85 °C and takes the NPU to 800 MHz at 85, no lower; at 115
it cuts the power. This begins before, and goes further.
"""

from __future__ import annotations

from collections.abc import Iterable

from appliance.system.board import Temperature

ZONES = frozenset({"npu-thermal", "soc-thermal", "package-thermal"})
_BANDS = ((0.0, 0.8), (7.0, 0.6), (15.0, 0.3))  # degrees above "hot", share of the clock
_HYSTERESIS = 5.0


def share(temperatures: Iterable[Temperature], hot: float, current: float) -> float:
    """The share to leave, 0.3 to 1; `current` while it need not change, or nothing is known."""
    celsius = max((each.celsius for each in temperatures if each.zone in ZONES), default=None)
    if celsius is None:
        return current
    down = _wanted(celsius, hot)
    up = _wanted(celsius + _HYSTERESIS, hot)
    return down if down < current else max(current, up)


def _wanted(celsius: float, hot: float) -> float:
    return min((share for above, share in _BANDS if celsius >= hot + above), default=1.0)

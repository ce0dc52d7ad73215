"""When clocks are pinned, and when they are given back."""

from __future__ import annotations

from collections.abc import Iterable

from appliance.system.board import Temperature

# Below the 75 °C at which an RK3588 slows its processors down by itself, and well below 80 °C,
# where the watchdog begins to limit the NPU.
HOT_CELSIUS = 72.0
COOL_CELSIUS = 62.0


def pin(temperatures: Iterable[Temperature], *, pinned: bool) -> bool:
    """Whether clocks are to be pinned now, given whether they are.

    Between the two limits nothing changes. Without any sensor nothing is pinned: nobody would
    notice that it gets too hot.
    """
    hottest = max((each.celsius for each in temperatures), default=None)
    if hottest is None:
        return False
    return hottest < (HOT_CELSIUS if pinned else COOL_CELSIUS)

"""Whether the running system is on trial; until it is trusted the other one is the way back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from appliance.system.units import Units

ON_TRIAL = (
    "The running system is new and has to prove itself first, for the other one is the way back"
)
_UNIT = "luna-confirm.service"
_AT_WORK = ("active", "activating", "reloading")
# Longer than it ever takes where there is a system to go back to.
_PATIENCE_SECONDS = 900.0
_LOOK_SECONDS = 2.0


async def is_judging(address: str | None = None) -> bool:
    """Whether it is; `address` is the bus's, the system bus by default. Raises BusError."""
    return (await Units(address).states([_UNIT])).get(_UNIT) in _AT_WORK


async def wait_for_verdict(
    tell: Callable[[], None],
    address: str | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Return when it is not; `tell` is called once if that has to be waited for."""
    deadline, told = clock() + _PATIENCE_SECONDS, False
    while await is_judging(address) and clock() < deadline:
        if not told:
            tell()
        told = True
        await asyncio.sleep(_LOOK_SECONDS)

"""Watches over the first start of a system: gives it its tries back, or goes back to the other."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path

from appliance.system import bus
from appliance.system.files import write_durably
from appliance.system.rauc import Rauc, Slot
from appliance.system.units import Units
from appliance.updates import health
from appliance.updates.trial import Trial, Verdict

TRUSTED = "trusted"
_LOOK_SECONDS = 2.0
_log = logging.getLogger(__name__)


async def confirm(
    version: str,
    folder: Path,
    patience: float,
    *,
    address: str | None = None,
    api: Path = health.API_SOCKET,
    clock: Callable[[], float] = time.monotonic,
) -> Verdict:
    """Judge the running system, `version`; raises BusError or ReadingUnavailable.

    `folder` remembers which system was trusted last: that one is trusted at once, and what ails it
    later is not cured by an older one.
    """
    async with await Rauc.connect(address) as rauc:
        slots = await rauc.slots()
        if _known(folder) == _name(version, slots):
            await rauc.mark_running(good=True)
            _log.info("this system was trusted before")
            return Verdict.TRUST
        verdict = await _judge(slots, patience, address, api, clock)
        await rauc.mark_running(good=verdict is Verdict.TRUST)
    if verdict is Verdict.TRUST:
        write_durably(folder / TRUSTED, _name(version, slots).encode())
        _log.info("this system is well, and trusted from now on")
    else:
        _log.error("this system stays sick: back to the one before")
        await Units(address).reboot()
    return verdict


async def _judge(
    slots: tuple[Slot, ...],
    patience: float,
    address: str | None,
    api: Path,
    clock: Callable[[], float],
) -> Verdict:
    way_back = any(slot.bootable and not slot.running for slot in slots)
    trial = Trial(way_back=way_back, patience=patience)
    told: tuple[str, ...] = ()
    connection = await bus.connect(address)
    try:
        while True:
            found = await health.ills(connection, api)
            if found != told:
                _log.info("not well yet: %s", "; ".join(found) or "nothing any more")
            told = found
            verdict = trial.look(clock(), found)
            if verdict is not Verdict.WAIT:
                return verdict
            await asyncio.sleep(_LOOK_SECONDS)
    finally:
        await connection.close()


def _name(version: str, slots: tuple[Slot, ...]) -> str:
    """The same version in the other slot is another system."""
    return " ".join([version, *(slot.name for slot in slots if slot.running)])


def _known(folder: Path) -> str:
    try:
        return (folder / TRUSTED).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""

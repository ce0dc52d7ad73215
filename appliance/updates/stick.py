"""An update from a USB stick: the newest that fits, and none that is here already."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import LunaError
from appliance.importing.progress import Progress
from appliance.importing.stick import NotTaken
from appliance.system import rauc as installer
from appliance.system.rauc import Rauc, UpdateRefused
from appliance.updates.judge import wait_for_verdict
from appliance.updates.offer import why_not
from appliance.updates.release import is_older

PULLED_OUT = Progress(
    "failed",
    "The stick was pulled out while its update was read; plug it in again. "
    "An update that is not whole is never started.",
)
_WAITING = Progress("copying", "The update waits until this system has proved itself")

Tell = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class _Offer:
    file: Path
    version: str


async def install_newest(
    bundles: Sequence[Path],
    running: str,
    tell: Tell,
    *,
    address: str | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> bool:
    """Install the newest of them if it is newer than `running`; whether one was.

    What comes of it is told and not raised.
    """
    problems: list[str] = []
    try:
        async with await Rauc.connect(address) as rauc:
            offer = await _newest(rauc, bundles, problems)
            await wait_for_verdict(lambda: tell(_WAITING), address, clock)
            if why := why_not(offer.version, running, await rauc.slots(), "on the stick"):
                raise NotTaken(why)
            size = offer.file.stat().st_size
            await rauc.install(str(offer.file), lambda now: tell(_progress(offer, now, size)))
    except NotTaken as error:
        tell(Progress("done", error.message, problems=tuple(problems)))
        return False
    except (LunaError, OSError) as error:
        tell(Progress("failed", _reason(error), problems=tuple(problems)))
        return False
    message = f"{offer.version} is installed; the device restarts now."
    tell(Progress("done", message, size, size, tuple(problems)))
    return True


async def _newest(rauc: Rauc, bundles: Sequence[Path], problems: list[str]) -> _Offer:
    """The newest that is for this device; what is wrong with others is added to `problems`."""
    newest: _Offer | None = None
    for file in bundles:
        try:
            offer = _Offer(file, await rauc.version(str(file)))
        except UpdateRefused as error:
            problems.append(f"{file.name}: {error.message}")
            continue
        if newest is None or is_older(newest.version, offer.version):
            newest = offer
    if newest is None:
        raise UpdateRefused("There is no update for this device on the stick.")
    return newest


def _progress(offer: _Offer, now: installer.Progress, size: int) -> Progress:
    message = f"{offer.version} is installed: {now.message}"
    return Progress("copying", message, size * now.percent // 100, size)


def _reason(error: LunaError | OSError) -> str:
    if isinstance(error, OSError):
        return f"The update cannot be read ({error.strerror or error})."
    return error.message

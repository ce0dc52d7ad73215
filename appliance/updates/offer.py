"""Which updates are taken: not one that is here already, nor an older one by mistake."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.system.rauc import Slot, UpdateRefused
from appliance.updates.release import is_older


def refuse_older(version: str, running: str, *, wanted: bool, allowed: bool, remedy: str) -> None:
    """Raise UpdateRefused for a downgrade that is not `wanted`, or not `allowed` on this device.

    `remedy` says how it is asked for.
    """
    if not is_older(version, running) or (wanted and allowed):
        return
    if not allowed:
        remedy = "the device's settings (updates.allow_older) forbid to go back"
    raise UpdateRefused(
        f"{version} is older than {running}, which runs here; {remedy}.", param="source"
    )


def why_not(version: str, running: str, slots: Sequence[Slot], place: str) -> str:
    """Why an update that nobody asked for by name, found at a `place`, is left; "" if it is taken.

    One that the other system was made of is not taken again: the device runs the older one because
    it has left that one.
    """
    if not is_older(running, version):
        return f"{version} {place} is not newer than {running}, which runs here."
    for slot in slots:
        if slot.running and not slot.bootable:
            return "This system is being left; after the restart it is looked at again."
        if slot.version != version:
            continue
        if slot.running:  # under another version: it must not be installed at each start
            return f"{version} runs here already, as {running}."
        if slot.bootable:
            return f"{version} is installed already; restart the device to use it."
        return (
            f"{version} was installed before, and left because it did not do well. "
            "It is tried again by hand only: luna update FILE"
        )
    return ""

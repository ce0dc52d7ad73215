"""RAUC, which writes updates into the other slot (D-Bus: de.pengutronix.rauc.Installer)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from appliance.errors import BadRequest, ReadingUnavailable
from appliance.system import bus
from appliance.system.bus import Bus, CallFailed

_NAME = "de.pengutronix.rauc"
_INSTALLER = (_NAME, "/", "de.pengutronix.rauc.Installer")
_PROPERTIES = (_NAME, "/", "org.freedesktop.DBus.Properties")
_NOBODY = (
    "org.freedesktop.DBus.Error.ServiceUnknown",
    "org.freedesktop.DBus.Error.NameHasNoOwner",
    "org.freedesktop.DBus.Error.Spawn.ServiceNotFound",
)
# It is started by the first call, at the machine's start among much else.
_CALL_SECONDS = 90.0
# Looking at a bundle checks its signature, perhaps across the network.
_INSPECT_SECONDS = 120.0
_LOOK_SECONDS = 0.5


class UpdateRefused(BadRequest):
    """The bundle is not for this device, not signed by its makers, damaged or too old."""

    code = "update_refused"


@dataclass(frozen=True, slots=True)
class Slot:
    """One of the two systems; `name` is A or B. `bootable` means that it has tries left.

    `version` is the last update's that was written as a whole; empty where that is not known.
    """

    name: str
    running: bool
    bootable: bool
    version: str


@dataclass(frozen=True, slots=True)
class Progress:
    """What RAUC is doing; `percent` is 100 and `busy` false at the end. `error` is the last one."""

    busy: bool
    percent: int
    message: str
    error: str


class Rauc:
    """A connection to it; every method raises BusError, and ReadingUnavailable where it is not."""

    def __init__(self, connection: Bus) -> None:
        self._bus = connection

    @classmethod
    async def connect(cls, address: str | None = None) -> Self:
        """On the bus at `address`, the system bus by default."""
        return cls(await bus.connect(address, call_seconds=_CALL_SECONDS))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up; an installation goes on."""
        await self._bus.close()

    async def slots(self) -> tuple[Slot, ...]:
        """Both systems, A first."""
        (rows,) = await self._call(_INSTALLER, "GetSlotStatus")
        found = [_slot(status) for _, status in rows if status.get("bootname")]
        return tuple(sorted(found, key=lambda slot: slot.name))

    async def progress(self) -> Progress:
        """How far an installation is, or how the last one ended."""
        values = await self._properties()
        percent, message, _ = values["Progress"]
        busy = values["Operation"] != "idle"
        return Progress(busy, percent, message, "" if busy else values["LastError"])

    async def version(self, source: str) -> str:
        """The version of a bundle, a path or a URL, made for this device; raises UpdateRefused."""
        try:
            made_for, version = await self._call(
                _INSTALLER, "Info", "s", source, seconds=_INSPECT_SECONDS
            )
        except CallFailed as error:
            raise UpdateRefused(f"This is no update for this device: {error.message}") from error
        ours = (await self._properties())["Compatible"]
        if made_for != ours:
            raise UpdateRefused(
                f"This is no update for this device: it is for {made_for}, and this is {ours}."
            )
        return str(version)

    async def begin(self, source: str) -> None:
        """Have a bundle installed into the other slot; returns at once."""
        await self._call(_INSTALLER, "InstallBundle", "sa{sv}", source, {})

    async def install(self, source: str, tell: Callable[[Progress], None]) -> None:
        """Install a bundle, telling of each change; raises UpdateRefused where it did not work."""
        await self.begin(source)
        last = None
        while (now := await self.progress()).busy:
            if now != last:
                tell(now)
            last = now
            await asyncio.sleep(_LOOK_SECONDS)
        if now.error:
            raise UpdateRefused(f"The update was not installed: {now.error}")
        tell(now)

    async def mark_running(self, *, good: bool) -> None:
        """Give the running slot its tries back, or take them all."""
        await self._call(_INSTALLER, "Mark", "ss", "good" if good else "bad", "booted")

    async def _properties(self) -> dict[str, Any]:
        (values,) = await self._call(_PROPERTIES, "GetAll", "s", _INSTALLER[2])
        return dict(values)

    async def _call(
        self, where: tuple[str, str, str], member: str, signature: str = "", *body: Any, **more: Any
    ) -> tuple[Any, ...]:
        try:
            return await self._bus.call(*where, member, signature, *body, **more)
        except CallFailed as error:
            if error.name in _NOBODY:
                raise ReadingUnavailable(
                    "This machine does not run Luna's firmware image; update its package instead."
                ) from error
            raise


def _slot(status: dict[str, Any]) -> Slot:
    # While it is written to, and ever after where that was cut off, its status is "pending".
    whole = status.get("status", "ok") == "ok"
    return Slot(
        name=str(status["bootname"]),
        running=status.get("state") == "booted",
        bootable=status.get("boot-status") == "good",
        version=str(status.get("bundle.version", "")) if whole else "",
    )

"""Units of systemd, and the machine, by its bus (org.freedesktop.systemd1, .login1).

Everybody may look; who may restart what is told by polkit's rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from appliance.system import bus
from appliance.system.bus import Bus

_MANAGER = (
    "org.freedesktop.systemd1",
    "/org/freedesktop/systemd1",
    "org.freedesktop.systemd1.Manager",
)
_LOGIN = (
    "org.freedesktop.login1",
    "/org/freedesktop/login1",
    "org.freedesktop.login1.Manager",
)


class Units:
    """systemd on the bus at `address`, the system bus by default. Every method raises BusError."""

    def __init__(self, address: str | None = None) -> None:
        self._address = address

    async def restart(self, unit: str) -> None:
        """Restart a unit that runs; one that was stopped on purpose stays so."""
        await self._call(_MANAGER, "TryRestartUnit", "ss", unit, "replace")

    async def states(self, units: Sequence[str]) -> dict[str, str]:
        """The ActiveState of each unit, by its name."""
        connection = await bus.connect(self._address)
        try:
            return await states(connection, units)
        finally:
            await connection.close()

    async def reboot(self) -> None:
        """Restart the machine in order; what must not be interrupted, an update say, forbids it."""
        await self._call(_LOGIN, "Reboot", "b", False)

    async def _call(
        self, where: tuple[str, str, str], member: str, signature: str, *body: object
    ) -> Sequence[Any]:
        connection = await bus.connect(self._address)
        try:
            return await connection.call(*where, member, signature, *body)
        finally:
            await connection.close()


async def states(connection: Bus, units: Sequence[str]) -> dict[str, str]:
    """The ActiveState of each unit, by its name, for who has a connection. Raises BusError."""
    (rows,) = await connection.call(*_MANAGER, "ListUnitsByNames", "as", list(units))
    return {row[0]: row[3] for row in rows}

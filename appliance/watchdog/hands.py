"""What the watchdog does, each step by the one who can: server, systemd, driver."""

from __future__ import annotations

import asyncio
from typing import Protocol

from appliance.system.rknpu import Rknpu
from appliance.watchdog.ladder import Step
from appliance.watchdog.policy import Action
from appliance.watchdog.server import Server


class System(Protocol):
    """Who restarts units and the machine; `units.Units` is systemd."""

    async def restart(self, unit: str) -> None:
        """Restart a unit that runs."""

    async def reboot(self) -> None:
        """Restart the machine."""


class Hands:
    """Takes steps; `unit` is the server's."""

    def __init__(self, server: Server, npu: Rknpu, system: System, unit: str) -> None:
        self._server = server
        self._npu = npu
        self._system = system
        self._unit = unit

    async def take(self, action: Action) -> None:
        """Take a step, except a canary. Raises LunaError with the reason where it fails."""
        model = action.model or ""
        match action.step:
            case Step.ABORT:
                await asyncio.to_thread(self._server.abort, model)
            case Step.RESTART_ENGINE:
                await asyncio.to_thread(self._server.restart, model)
            case Step.RESTART_SERVER:
                await self._system.restart(self._unit)
            case Step.RESET_NPU:
                await asyncio.to_thread(self._npu.soft_reset)
            case Step.REBOOT:
                await self._system.reboot()
            case Step.LIMIT_CLOCK:
                await asyncio.to_thread(self._npu.limit, action.share)

    async def sing(self, model: str) -> bool:
        """A small inference; whether a token came."""
        return await asyncio.to_thread(self._server.infer, model)

"""Bluetooth while the box waits to be set up: offered, and withdrawn some time after it worked."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from appliance.system.bus import Bus, BusError
from provisioning.clock import Clock
from provisioning.improv.bluez import Bluez, NoAdapter
from provisioning.improv.gatt import Gatt
from provisioning.improv.protocol import State as ImprovState
from provisioning.improv.session import Info, Session
from provisioning.service import Service
from provisioning.situation import State

# As long as the setup network is wanted; a join that fails brings it back.
_WANTED: Final = frozenset({State.HOTSPOT, State.RETRYING, State.JOINING})
_LINGER: Final = 60.0  # the client reads where to go next
_AGAIN: Final = 30.0
_log = logging.getLogger(__name__)


class Improv:
    """Runs beside a service, on a connection to the bus of its own, which it does not close."""

    def __init__(self, bus: Bus, service: Service, info: Info, clock: Clock) -> None:
        self._bus = bus
        self._service = service
        self._clock = clock
        self._session = Session(service, info, self._tell)
        self._gatt = Gatt(bus, self._session)
        self._bluez = Bluez(bus)
        self._stirred = asyncio.Event()
        self._adapter: str | None = None  # by which we can be found

    async def run(self) -> None:
        """Work until cancelled, or until the bus is lost."""
        self._service.on_change(self._stirred.set)
        try:
            await self._bluez.watch(self._forget)
            while not self._bus.lost.is_set():
                self._stirred.clear()
                await self._adjust()
                try:
                    async with self._clock.limit(_AGAIN):
                        await self._stirred.wait()
                except TimeoutError:
                    continue
        except BusError as error:
            _log.warning("Bluetooth is given up: %s", error)
        finally:
            self._session.close()

    def _tell(self) -> None:
        self._gatt.tell()
        self._stirred.set()

    def _forget(self) -> None:
        """BlueZ or an adapter has come or gone: look again."""
        self._adapter = None
        self._stirred.set()

    async def _adjust(self) -> None:
        """Be found, or not, as it should be."""
        try:
            if self._wanted and self._adapter is None:
                adapter = await self._bluez.adapter()
                await self._bluez.offer(adapter)
                self._adapter = adapter
                _log.info("the box can be set up by Bluetooth")
            elif not self._wanted and self._adapter is not None:
                if self._session.state is ImprovState.PROVISIONED:
                    await self._clock.sleep(_LINGER)
                adapter, self._adapter = self._adapter, None
                self._session.renew()
                await self._bluez.withdraw(adapter)
        except (NoAdapter, BusError) as error:
            self._bus.raise_if_lost()
            _log.debug("no Bluetooth now: %s", error)

    @property
    def _wanted(self) -> bool:
        state = self._service.model.state
        return state in _WANTED and (state is not State.JOINING or self._adapter is not None)

"""A box in a house: bus, NetworkManager, our service and somebody who asks it, on one clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from appliance.system.bus import Bus, Variant, connect
from appliance.system.provisioning_names import INTERFACE, PATH, SERVICE
from provisioning.bus_object import BusObject
from provisioning.country import Country
from provisioning.feed import Feed
from provisioning.means import Means
from provisioning.nm.link import Link
from provisioning.payloads import SetupNetwork
from provisioning.service import Service
from provisioning.situation import Limits, State
from provisioning.survey import Survey
from tests.bus.daemon import Daemon
from tests.bus.fake_nm.air import Base
from tests.bus.fake_nm.network_manager import FakeNetworkManager
from tests.bus.virtual_clock import VirtualClock

SETUP = SetupNetwork(b"Luna-cafe", "a label's passphrase")
REAL_SECONDS = 100.0


class House:
    """Everything that a scenario touches."""

    def __init__(self, daemon: Daemon, folder: Path, *, version: int, radios: int) -> None:
        self.daemon = daemon
        self.clock = VirtualClock()
        self.nm = FakeNetworkManager(daemon.address, self.clock, version, radios)
        self.countries: list[str] = []
        self.country = Country(folder / "country", self.countries.append)
        self.limits = Limits()
        self.setup = SETUP
        self.guests = 0
        self.call_seconds = 25.0
        self.states: list[State] = []
        self.running: asyncio.Task[None] | None = None
        self.service: Service
        self.client: Bus

    async def switch_on(self, *known: Base) -> None:
        """Start NetworkManager, which knows these networks, then the service."""
        self.clock.attach(await self.nm.start())
        for base in known:
            self.nm.know(base)
        await self.start_service()
        await self.until(lambda: self.service.model.world.manager)

    async def start_service(self) -> None:
        bus = await connect(self.daemon.address, call_seconds=self.call_seconds)
        self.client = await connect(self.daemon.address)
        means = Means(Link(bus), Feed(), self.clock, Survey(self.setup.ssid), self.setup)
        self.service = Service(means, self.limits, self._count_guests)
        await BusObject(bus, self.service, self.country).offer()
        self.service.on_change(self._note)
        self.clock.attach(bus, self.client)
        self.running = asyncio.get_running_loop().create_task(self.service.run())

    async def stop_service(self) -> None:
        if self.running is None:
            return
        self.running.cancel()
        await asyncio.wait({self.running})
        self.running = None
        await self.service.means.link.bus.close()
        await self.client.close()

    async def restart_nm(self, after: float = 1.0) -> None:
        """The daemon ends and comes back, with other objects at the same paths."""
        await self.nm.stop()
        await self.clock.sleep(after)
        self.clock.attach(await self.nm.start())

    async def ask(self, member: str, signature: str = "", *body: Any) -> Any:
        """Call our service as another program does."""
        answer = await self.client.call(SERVICE, PATH, INTERFACE, member, signature, *body)
        return answer[0] if answer else None

    async def read(self, name: str) -> Any:
        """A property of our service."""
        properties = "org.freedesktop.DBus.Properties"
        (value,) = await self.client.call(SERVICE, PATH, properties, "Get", "ss", INTERFACE, name)
        return value

    async def join(self, ssid: bytes, secret: bytes = b"", **options: Any) -> dict[str, Any]:
        """Join and wait for the result; `seconds` in it is how long that took."""
        kinds = {bool: "b", str: "s"}
        given = {key: Variant(kinds[type(value)], value) for key, value in options.items()}
        begin = self.clock.now()
        number = await self.ask("Join", "ayaya{sv}", ssid, secret, given)
        await self.until(lambda: self.number_done() == number, 200, "a result")
        return {**await self.read("Result"), "seconds": self.clock.now() - begin}

    def number_done(self) -> int:
        return self.service.attempt.number if self.service.attempt else 0

    async def until(
        self, condition: Callable[[], object], seconds: float = 200.0, what: str = "the condition"
    ) -> float:
        """Wait in the clock's time; how long it took."""
        begin = self.clock.now()
        while not condition():
            assert self.clock.now() - begin < seconds, f"{what} did not come about: {self.states}"
            await self.clock.sleep(0.25)
        return self.clock.now() - begin

    async def until_state(self, state: State, seconds: float = 200.0) -> float:
        return await self.until(lambda: self.service.model.state is state, seconds, state)

    async def until_hosting(self, seconds: float = 200.0) -> float:
        """Wait until phones see the setup network."""
        return await self.until(lambda: self.hosting, seconds, "the setup network")

    @property
    def hosting(self) -> bool:
        return any(radio.own_point for radio in self.nm.radios)

    @property
    def saved(self) -> list[dict[str, dict[str, Any]]]:
        """Profiles on the disk."""
        return self.nm.disk

    async def _count_guests(self, interface: str) -> int:
        return self.guests

    def _note(self) -> None:
        state = self.service.model.state
        if not self.states or self.states[-1] is not state:
            self.states.append(state)


@asynccontextmanager
async def house(
    daemon: Daemon, folder: Path, *, version: int = 52, radios: int = 1, on: bool = True
) -> AsyncIterator[House]:
    """A house whose clock runs; switched on unless the scenario wants to prepare it first."""
    built = House(daemon, folder, version=version, radios=radios)
    turning = asyncio.get_running_loop().create_task(built.clock.run())
    try:
        if on:
            await built.switch_on()
        yield built
    finally:
        turning.cancel()
        await asyncio.wait({turning})
        await built.stop_service()
        if built.nm.started:
            await built.nm.stop()


def play(scenario: Coroutine[Any, Any, None]) -> None:
    """Run a scenario to its end, within a limit of real time."""

    async def limited() -> None:
        async with asyncio.timeout(REAL_SECONDS):
            await scenario

    asyncio.run(limited())

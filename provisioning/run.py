"""The process: it connects, serves, and connects again when the bus was lost."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from appliance import __version__
from appliance.system import sdnotify
from appliance.system.board import read_board
from appliance.system.bus import BusError, connect
from appliance.system.identity import read_identity
from appliance.system.nl80211 import WifiUnavailable, count_stations, set_country
from appliance.system.own_address import AddressRefused, own
from provisioning import configuration
from provisioning.bus_object import BusObject
from provisioning.clock import Clock
from provisioning.country import Country
from provisioning.feed import Feed
from provisioning.improv.server import Improv
from provisioning.improv.session import Info
from provisioning.mark import NAME, Mark
from provisioning.means import Means
from provisioning.nm.link import Link
from provisioning.payloads import SetupNetwork
from provisioning.portal.bridge import Bridge
from provisioning.portal.portal import offered
from provisioning.service import Service
from provisioning.situation import Limits
from provisioning.survey import Survey

_PAUSES: Final = (1.0, 2.0, 5.0, 10.0)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the process was told: settings, host name, where to keep things, the environment."""

    setup: SetupNetwork
    name: str
    limits: Limits
    by_bluetooth: bool
    state: Path
    environ: Mapping[str, str]


def plan(folder: Path, state: Path, environ: Mapping[str, str]) -> Plan:
    """From the settings folder. Raises ConfigError."""
    told = configuration.load(folder)
    identity = read_identity((folder, state))
    setup = configuration.setup_network(told, folder, identity)
    limits = replace(told.limits, protected=bool(setup.passphrase))
    return Plan(setup, identity.name, limits, told.improv.enabled, state, environ)


async def serve(told: Plan, clock: Clock) -> None:
    """Serve until SIGTERM or SIGINT, whatever becomes of the bus meanwhile."""
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stopping.set)
    country = Country(told.state / "country", set_country)
    await country.restore()
    if told.setup.dns_answer:
        await _own(told.setup.dns_answer)
    async with offered(country, told.setup, told.name, told.environ) as bridge:
        await _serve_until(stopping, told, clock, country, bridge)


async def _serve_until(
    stopping: asyncio.Event, told: Plan, clock: Clock, country: Country, bridge: Bridge
) -> None:
    loop = asyncio.get_running_loop()
    heart = loop.create_task(_beat(told.environ, clock))
    serving = loop.create_task(_serve_again(told, clock, country, bridge))
    waiting = loop.create_task(stopping.wait())
    try:
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        sdnotify.notify("STOPPING=1", told.environ)
    finally:
        for task in (heart, serving, waiting):
            task.cancel()
        await asyncio.gather(heart, waiting, return_exceptions=True)
    try:
        await serving
    except asyncio.CancelledError:
        _log.info("stopped")


async def _serve_again(told: Plan, clock: Clock, country: Country, bridge: Bridge) -> None:
    """One connection after the other; a name that is taken ends it (NameTaken)."""
    failures = 0
    while True:
        try:
            await _serve_once(told, clock, country, bridge)
            failures = 0
            _log.warning("the message bus was lost")
        except BusError as error:
            failures += 1
            _log.warning("%s", error)
        await clock.sleep(_PAUSES[min(failures, len(_PAUSES) - 1)])


async def _serve_once(told: Plan, clock: Clock, country: Country, bridge: Bridge) -> None:
    bus = await connect()
    try:
        means = Means(Link(bus), Feed(), clock, Survey(told.setup.ssid), told.setup)
        service = Service(means, told.limits, _guests)
        if folder := told.environ.get("RUNTIME_DIRECTORY"):
            Mark(Path(folder) / NAME).follow(service)
        await BusObject(bus, service, country).offer()
        bridge.attach(service)
        sdnotify.notify("READY=1", told.environ)
        _log.info("at work; the setup network is %s", told.setup.ssid.decode("utf-8", "replace"))
        async with _beside(_improv(service, told, clock) if told.by_bluetooth else None):
            await service.run()
    finally:
        bridge.attach(None)
        await bus.close()


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None] | None) -> AsyncIterator[None]:
    """Have something done until the end of the context."""
    task = None if work is None else asyncio.get_running_loop().create_task(work)
    try:
        yield
    finally:
        if task is not None:
            task.cancel()
            await asyncio.wait({task})


async def _improv(service: Service, told: Plan, clock: Clock) -> None:
    """Bluetooth beside the service; without it there are other ways."""
    try:
        bus = await connect()
    except BusError as error:
        _log.warning("there is no Bluetooth: %s", error)
        return
    try:
        info = Info("Luna", __version__, read_board().model or "computer", told.name)
        await Improv(bus, service, info, clock).run()
    finally:
        await bus.close()


async def _own(address: str) -> None:
    try:
        await asyncio.to_thread(own, address)
    except AddressRefused as error:
        _log.error("phones may not find the setup page: %s", error)


async def _guests(interface: str) -> int:
    """Phones on the setup network; where the driver does not tell, nobody is thought to be."""
    try:
        return await asyncio.to_thread(count_stations, interface)
    except WifiUnavailable as error:
        _log.debug("guests cannot be counted: %s", error)
        return 0


async def _beat(environ: Mapping[str, str], clock: Clock) -> None:
    """Tell the service manager that this loop still turns."""
    interval = sdnotify.watchdog_interval(environ)
    while interval is not None:
        sdnotify.notify("WATCHDOG=1", environ)
        await clock.sleep(interval)

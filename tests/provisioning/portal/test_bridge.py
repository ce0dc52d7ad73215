"""The portal's threads and the service's event loop."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest

from appliance.errors import Retryable
from appliance.system.bus import BusError
from provisioning.clock import Clock
from provisioning.country import BadCountry, Country
from provisioning.credentials import Credentials, Security
from provisioning.machine import begin
from provisioning.nm import snapshot
from provisioning.portal.bridge import Away, Bridge
from provisioning.results import Outcome, result
from provisioning.service import Attempt, Busy, Service
from provisioning.situation import Limits, Model, State, World
from provisioning.survey import Network
from tests.helpers.wire import eventually

HOME = Credentials(b"Home", b"correct horse")


class Air:
    def age(self, now: float) -> float:
        return now - 5.0

    def networks(self) -> tuple[Network, ...]:
        return (Network(b"Home", Security.PSK, 80, 2412, 5.0),)


class Later(Clock):
    def now(self) -> float:
        return 65.0


@dataclass
class Means:
    survey: Air = field(default_factory=Air)
    clock: Clock = field(default_factory=Later)
    link: None = None


class Stand:
    """As much of the service as the bridge uses."""

    def __init__(self) -> None:
        world = World(manager=True, radios=1)
        self.model: Model = replace(begin(0.0, Limits()), state=State.HOTSPOT, world=world)
        self.means = Means()
        self.number = 0
        self.attempt: Attempt | None = None
        self.joined: list[Credentials] = []
        self.joining: bytes | None = None
        self.busy = False

    def join(self, credentials: Credentials) -> int:
        if self.busy:
            raise Busy("Another network is being joined now.")
        self.number += 1
        self.joined.append(credentials)
        self.joining = credentials.ssid
        self.model = replace(self.model, state=State.JOINING)
        return self.number


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def bridge(tmp_path: Path, told: list[str]) -> Iterator[Bridge]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def make() -> Bridge:
        return Bridge(Country(tmp_path / "country", told.append))

    try:
        yield asyncio.run_coroutine_threadsafe(make(), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def attach(bridge: Bridge) -> Stand:
    service = Stand()
    bridge.attach(cast(Service, service))
    return service


def test_the_situation_is_the_service_s(bridge: Bridge) -> None:
    service = attach(bridge)
    now = bridge.situation()
    assert (now.state, now.age, now.stays, now.joining) == (State.HOTSPOT, 60.0, False, None)
    assert [network.ssid for network in now.networks] == [b"Home"]
    service.attempt = Attempt(1, result(b"Home", Outcome.REFUSED))
    service.model = replace(service.model, world=replace(service.model.world, radios=2))
    now = bridge.situation()
    assert now.stays
    assert now.result == service.attempt.result


def test_a_join_is_told_at_once_and_begun_later(bridge: Bridge) -> None:
    service = attach(bridge)
    bridge.join(HOME, 0.3)
    now = bridge.situation()
    assert (now.state, now.joining) == (State.JOINING, b"Home")
    with pytest.raises(Retryable):
        bridge.join(HOME, 0.0)
    eventually(lambda: service.joined)
    assert service.joined == [HOME]
    assert bridge.situation().joining == b"Home"
    service.model, service.joining = replace(service.model, state=State.HOTSPOT), None
    assert bridge.situation().joining is None
    service.join(Credentials(b"Other"))
    assert bridge.situation().joining == b"Other"  # somebody else's


def test_a_join_that_cannot_be_is_refused(bridge: Bridge) -> None:
    service = attach(bridge)
    service.join(Credentials(b"Other"))
    with pytest.raises(Retryable):
        bridge.join(HOME, 0.0)
    assert bridge.situation().joining == b"Other"


def test_a_join_that_comes_too_late_is_forgotten(bridge: Bridge) -> None:
    service = attach(bridge)
    service.busy = True
    bridge.join(HOME, 0.0)
    eventually(lambda: bridge.situation().joining is None)
    assert service.joined == []


def test_without_a_bus_the_page_still_has_something_to_say(bridge: Bridge) -> None:
    assert bridge.situation().state is State.WAITING
    with pytest.raises(Away):
        bridge.rescan()
    with pytest.raises(Away):
        bridge.join(HOME, 0.0)


def test_a_country_is_kept(bridge: Bridge, told: list[str]) -> None:
    attach(bridge)
    assert {"DE", "US", "CN"} <= set(bridge.countries())
    bridge.set_country("DE")
    assert told == ["DE"]
    assert bridge.situation().country == "DE"
    with pytest.raises(BadCountry):
        bridge.set_country("de")


def test_a_scan_that_fails_changes_nothing(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def look(_: object) -> None:
        raise BusError("gone")

    caplog.set_level(logging.INFO)
    attach(bridge)
    monkeypatch.setattr(snapshot, "look", look)
    bridge.rescan()
    assert "no scan for the portal: gone" in caplog.text

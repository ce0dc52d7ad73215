"""The client against the service itself, which runs against the imitation of NetworkManager."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.system.provisioning import (
    Provisioning,
    ProvisioningRefused,
    ProvisioningUnavailable,
)
from tests.bus.daemon import Daemon
from tests.bus.fake_nm.air import WPA3, Base
from tests.bus.house import house, play
from tests.bus.virtual_clock import VirtualClock

pytestmark = pytest.mark.needs("dbus-daemon")
NAME = "Café 🌙".encode()


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon(tmp_path) as running:
        yield running


def use(client: Provisioning, clock: VirtualClock) -> None:
    """A whole onboarding as a plain thread does it."""
    fresh = client.situation()
    assert fresh.result is None
    assert fresh.hotspot.ssid == b"Luna-cafe"
    assert not fresh.hotspot.stays
    (heard,) = client.networks(scan=True)
    assert (heard.ssid, heard.security) == (NAME, "sae")
    assert [each.ssid for each in client.networks()] == [NAME]
    with pytest.raises(ProvisioningRefused, match="8 to 63"):
        client.join(NAME, b"short", {})
    with pytest.raises(ProvisioningRefused, match="ISO 3166"):
        client.set_country("Germany")
    clock.held = True
    wrong = client.join(NAME, b"wrong horse", {"hidden": False})
    with pytest.raises(ProvisioningUnavailable, match="being joined"):
        client.join(NAME, b"correct horse", {})
    clock.held = False
    ended = client.wait(wrong, 60.0)
    assert ended is not None
    assert ended.outcome == "wrong_password"
    ended = client.wait(client.join(NAME, b"correct horse", {}), 60.0)
    assert ended is not None
    assert (ended.outcome, ended.addresses) == ("connected", ("192.168.7.42/24",))
    assert client.wait(wrong, 0.2) is None, "only the last result is kept"
    assert client.wait(99, 0.2) is None
    client.set_country("DE")
    client.remember(b"cottage", b"battery staple", {})
    assert [each.ssid for each in client.known()] == [NAME, b"cottage"]
    assert client.forget(b"cottage") == 1
    client.stop_hotspot()
    assert client.situation().country == "DE"


def test_a_whole_onboarding(daemon: Daemon, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path) as box:
            box.nm.air.add(Base(NAME, WPA3, "correct horse"))
            await asyncio.to_thread(use, Provisioning(daemon.address), box.clock)

    play(scenario())


def test_a_machine_without_the_service_says_what_to_use(daemon: Daemon, tmp_path: Path) -> None:
    for address in (daemon.address, f"unix:path={tmp_path / 'none'}"):
        client = Provisioning(address)
        with pytest.raises(ProvisioningUnavailable, match="system's own network settings"):
            client.situation()

"""What we say and understand, held against a real NetworkManager; it only has no radio."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from appliance.system.bus import Variant, connect
from provisioning.attempt import Ending, Patience, watch
from provisioning.clock import Clock
from provisioning.credentials import Account, Credentials, Security, Tunnel
from provisioning.feed import Feed
from provisioning.means import Means
from provisioning.nm import checkpoint, manager, profile, settings, snapshot
from provisioning.nm.link import Gone, Link, NetworkManagerError
from provisioning.nm.manager import Persist
from provisioning.nm.names import NOTHING, ROOT, SERVICE, SETTINGS, SETTINGS_INTERFACE, Save
from provisioning.nm.settings import Payload
from provisioning.payloads import SetupNetwork, setup_network, station
from provisioning.permissions import problems
from provisioning.service import Service
from provisioning.situation import Limits, State
from provisioning.survey import Survey
from tests.bus.daemon import Daemon
from tests.bus.real_nm import RealNetworkManager

pytestmark = pytest.mark.needs("netns", "networkmanager")
SECONDS = 30.0
SETUP = SetupNetwork(b"Luna-cafe", "on the label")
UNI = Credentials(b"uni", b"pw", account=Account("ann", Tunnel.TTLS, "anyone", "uni.example"))
CERTIFICATE = (Path(__file__).parents[1] / "helpers/localhost.crt").read_text("ascii")
OWN = Credentials(
    b"uni", b"pw", account=Account("ann", domain="a.example", certificate=CERTIFICATE)
)
ADDRESS = {"address": Variant("s", "192.0.2.5"), "prefix": Variant("u", 24)}
FIXED = {
    "method": Variant("s", "manual"),
    "address-data": Variant("aa{sv}", [ADDRESS]),
    "gateway": Variant("s", "192.0.2.1"),
}
NO_SERVER = {"method": Variant("s", "auto"), "dhcp-timeout": Variant("i", 2)}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Daemon(tmp_path_factory.mktemp("bus")) as running:
        yield running


@pytest.fixture(scope="module")
def nm(daemon: Daemon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealNetworkManager]:
    with RealNetworkManager(daemon, tmp_path_factory.mktemp("nm")) as running:
        yield running


@asynccontextmanager
async def linked(daemon: Daemon) -> AsyncIterator[tuple[Link, Feed, str]]:
    """A link, NetworkManager's signals, and the path of the cable's device."""
    bus = await connect(daemon.address)
    try:
        while not await bus.follow(SERVICE):
            await asyncio.sleep(0.05)
        feed, link = Feed(), Link(bus)
        await bus.watch(SERVICE, ROOT, feed.hear)
        while True:
            devices = (await snapshot.look(link)).devices.values()
            ready = [each for each in devices if each.interface == "eth0" and each.usable]
            if ready:
                break
            await asyncio.sleep(0.05)
        yield link, feed, ready[0].path
    finally:
        await bus.close()


def play(scenario: Any) -> None:
    async def limited() -> None:
        async with asyncio.timeout(SECONDS):
            await scenario

    asyncio.run(limited())


def cable(name: str, ipv4: dict[str, Variant]) -> Payload:
    return {
        "connection": {
            "id": Variant("s", name),
            "type": Variant("s", "802-3-ethernet"),
            "autoconnect": Variant("b", False),
        },
        "ipv4": ipv4,
        "ipv6": {"method": Variant("s", "disabled")},
    }


async def activate(link: Link, feed: Feed, device: str, payload: Payload, **more: Any) -> Ending:
    with feed.listening() as signals:
        _, active = await manager.add_and_activate(link, payload, device, NOTHING, **more)
        return await watch(link, Clock(), signals, (device, active), Patience(10.0, 10.0))


PAYLOADS: dict[str, Payload] = {
    "open": station(Credentials(b"\xff\xfe"), Security.OPEN),
    "owe": station(Credentials(b"cafe"), Security.OWE),
    "wpa2": station(Credentials(b"home", "pässwörd 🌙".encode()), Security.PSK),
    "bytes": station(Credentials(b"home", b"\xff" * 12), Security.PSK),
    "key": station(Credentials(b"home", b"0123456789abcdef" * 4), Security.PSK),
    "plain": station(Credentials(b"x" * 32, b"12345678"), Security.PSK, plain_wpa2=True),
    "wpa3": station(Credentials(b"home", b"correct horse", hidden=True), Security.SAE),
    "enterprise": station(UNI, Security.ENTERPRISE),
    "enterprise with a certificate": station(OWN, Security.ENTERPRISE),
    "setup": setup_network(SETUP, 6),
    "setup open": setup_network(SetupNetwork(b"Luna-cafe"), 11),
    "setup 5 GHz": setup_network(SetupNetwork(b"L", "12345678"), 36),
}


@pytest.mark.parametrize("name", PAYLOADS)
def test_every_profile_is_accepted_and_understood(
    daemon: Daemon, nm: RealNetworkManager, name: str
) -> None:
    payload = PAYLOADS[name]

    async def scenario() -> None:
        async with linked(daemon) as (link, _, _):
            path = await settings.add(link, payload)
            (found,) = [each for each in await settings.profiles(link) if each.path == path]
            assert found.ssid == payload["802-11-wireless"]["ssid"].value
            assert found.joins != name.startswith("setup")
            assert found.hidden == (name == "wpa3")
            await profile.delete(link, path)
            with pytest.raises(Gone):
                await profile.read(link, path)

    play(scenario())


def test_a_profile_of_the_memory_is_saved_with_its_secret(
    daemon: Daemon, nm: RealNetworkManager
) -> None:
    async def scenario() -> None:
        async with linked(daemon) as (link, _, _):
            payload = station(Credentials(b"home", b"correct horse"), Security.SAE)
            signature, flags = "a{sa{sv}}ua{sv}", int(Save.IN_MEMORY)
            path, _ = await link.call(
                SETTINGS, SETTINGS_INTERFACE, "AddConnection2", signature, payload, flags, {}
            )
            assert not nm.files
            await profile.save(link, path)
            (file,) = nm.files
            assert "psk=correct horse" in file.read_text()
            await profile.delete(link, path)
            assert not nm.files

    play(scenario())


def test_what_is_wrong_is_refused_with_its_words(daemon: Daemon, nm: RealNetworkManager) -> None:
    async def scenario() -> None:
        async with linked(daemon) as (link, _, _):
            payload = dict(station(Credentials(b"home", b"12345678"), Security.PSK))
            payload["802-11-wireless-security"] = {
                "key-mgmt": Variant("s", "wpa-psk"),
                "psk": Variant("s", "short"),
            }
            with pytest.raises(NetworkManagerError, match="psk"):
                await settings.add(link, payload)
            with pytest.raises(Gone):
                await manager.deactivate(link, "/org/freedesktop/NetworkManager/none")
            with pytest.raises(Gone):
                await manager.add_and_activate(link, payload, "/nothing", persist=Persist.MEMORY)

    play(scenario())


def test_permissions_are_asked_by_their_right_names(daemon: Daemon, nm: RealNetworkManager) -> None:
    async def scenario() -> None:
        async with linked(daemon) as (link, _, _):
            assert problems(await manager.permissions(link)) == ()

    play(scenario())


def test_an_activation_is_watched_and_ends_with_us(daemon: Daemon, nm: RealNetworkManager) -> None:
    async def scenario() -> None:
        async with linked(daemon) as (link, feed, device):
            options = {"persist": Persist.VOLATILE, "die_with_us": True}
            assert await activate(link, feed, device, cable("bound", FIXED), **options) == Ending(
                True
            )
            found = await snapshot.look(link)
            assert found.routed(found.devices[device])
            assert found.addresses_of(device) == ("192.0.2.5/24",)
            (active,) = [each for each in found.actives.values() if device in each.devices]
            assert active.up
        async with linked(daemon) as (link, _, device):
            while (await snapshot.look(link)).devices[device].connected:
                await asyncio.sleep(0.05)

    play(scenario())


def test_a_router_without_an_address_for_us_is_told_as_such(
    daemon: Daemon, nm: RealNetworkManager
) -> None:
    async def scenario() -> None:
        async with linked(daemon) as (link, feed, device):
            payload = cable("no server", NO_SERVER)
            ending = await activate(link, feed, device, payload, persist=Persist.VOLATILE)
            assert (ending.up, ending.reason, ending.addressing) == (False, 5, True)

    play(scenario())


def test_a_checkpoint_brings_back_what_was(daemon: Daemon, nm: RealNetworkManager) -> None:
    async def scenario() -> None:
        async with linked(daemon) as (link, feed, device):
            first = cable("first", FIXED)
            assert (await activate(link, feed, device, first, persist=Persist.MEMORY)).up
            before = await _used(link, device)
            there = await checkpoint.create(link, device, 60)
            with pytest.raises(NetworkManagerError):
                await checkpoint.create(link, device, 60)
            second = cable("second", FIXED)
            assert (await activate(link, feed, device, second, persist=Persist.MEMORY)).up
            assert await _used(link, device) != before
            assert await checkpoint.rollback(link, there)
            while await _used(link, device) != before:
                await asyncio.sleep(0.05)
            there = await checkpoint.create(link, device, 60)
            await checkpoint.destroy(link, there)
            await profile.delete(link, before)

    play(scenario())


async def _used(link: Link, device: str) -> str:
    """Path of the profile that a device uses."""
    found = await snapshot.look(link)
    active = found.actives.get(found.devices[device].active)
    return active.profile if active and active.up else ""


def test_the_whole_service_sees_a_cable_come_and_go(daemon: Daemon, nm: RealNetworkManager) -> None:
    async def scenario() -> None:
        async with linked(daemon) as (link, feed, device):
            means = Means(Link(await connect(daemon.address)), Feed(), Clock(), Survey(b""), SETUP)
            service = Service(means, Limits(), _nobody)
            running = asyncio.create_task(service.run())
            await _until(service, State.WAITING)
            assert service.problems == ()
            options = {"persist": Persist.VOLATILE}
            assert (await activate(link, feed, device, cable("c", FIXED), **options)).up
            await _until(service, State.WIRED)
            await manager.deactivate(link, (await snapshot.look(link)).devices[device].active)
            await _until(service, State.WAITING, State.LOST)
            running.cancel()
            await asyncio.wait({running})
            await means.link.bus.close()

    play(scenario())


async def _nobody(interface: str) -> int:
    return 0


async def _until(service: Service, *states: State) -> None:
    while service.model.state not in states:
        await asyncio.sleep(0.05)


ASK = """
import socket, struct, sys
name = b"".join(bytes([len(part)]) + part for part in b"captive.apple.com".split(b".")) + b"\\0"
question = name + struct.pack("!HH", int(sys.argv[1]), 1)
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.settimeout(5)
sender.sendto(struct.pack("!HHHHHH", 7, 0x100, 1, 0, 0, 0) + question, ("10.42.0.1", 53))
answer = sender.recv(512)
flags, _, count = struct.unpack_from("!HHH", answer, 2)
print(flags & 15, count, socket.inet_ntoa(answer[-4:]) if count else "")
"""


def test_the_setup_network_answers_every_name_with_the_box(
    daemon: Daemon, nm: RealNetworkManager
) -> None:
    shared = dict(setup_network(SETUP, 6)["ipv4"])

    def ask(kind: int) -> str:
        command = nm.command("python3", "-c", ASK, str(kind))
        return subprocess.run(command, capture_output=True, text=True, timeout=15).stdout.strip()

    async def scenario() -> None:
        async with linked(daemon) as (link, feed, device):
            payload = cable("shared", shared)
            ending = await activate(link, feed, device, payload, persist=Persist.VOLATILE)
            assert ending.up, nm.log[-3000:]
            while not (told := await asyncio.to_thread(ask, 1)):
                await asyncio.sleep(0.1)
            assert told == "0 1 192.0.2.1"
            for kind in (28, 65):  # IPv6, HTTPS
                assert await asyncio.to_thread(ask, kind) == "0 0", "none, said at once"

    play(scenario())

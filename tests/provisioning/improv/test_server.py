"""A phone sets the box up by Bluetooth: the whole service, with imitations around it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.system.bus import connect
from provisioning.improv.server import Improv
from provisioning.improv.session import Info
from provisioning.situation import State
from tests.bus.daemon import Daemon
from tests.bus.fake_bluez import FakeBluez
from tests.bus.fake_nm.air import OPEN, WPA2, WPA3, Base
from tests.bus.house import House, house, play

pytestmark = pytest.mark.needs("dbus-daemon")
BASE = "00467768-6228-2272-4663-2774782680"
SERVICE, STATE, ERROR, COMMAND, RESULT, CAPABILITIES = (f"{BASE}0{number}" for number in range(6))
AUTHORIZED, PROVISIONING, PROVISIONED = b"\x02", b"\x03", b"\x04"
HOME, SECRET = "Café 🌙".encode(), b"correct horse battery staple"
INFO = Info("Luna", "1.2.3", "A board", "luna-cafe")


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon(tmp_path) as running:
        yield running


@dataclass
class Meeting:
    """The box, and a phone beside it."""

    box: House
    bluez: FakeBluez

    async def until(self, condition: Callable[[], object], what: str = "that") -> float:
        return await self.box.until(condition, 300, what)

    async def found(self) -> None:
        """The phone sees the box."""
        await self.until(lambda: self.bluez.advertisement, "an advertisement")

    async def send(self, command: int, data: bytes = b"") -> None:
        packet = bytes([command, len(data)]) + data
        await self.bluez.write(COMMAND, packet + bytes([sum(packet) % 256]))

    async def settings(self, ssid: bytes, password: bytes) -> None:
        data = bytes([len(ssid)]) + ssid + bytes([len(password)]) + password
        await self.send(1, data)

    async def texts(self) -> list[str]:
        """The last result."""
        packet = await self.bluez.read(RESULT)
        assert packet[-1] == sum(packet[:-1]) % 256
        found, rest = [], packet[2:-1]
        while rest:
            found.append(rest[1 : 1 + rest[0]].decode())
            rest = rest[1 + rest[0] :]
        return found

    def heard(self, uuid: str) -> list[bytes]:
        return [value for name, value in self.bluez.notified if name == uuid]


@asynccontextmanager
async def meeting(
    daemon: Daemon, folder: Path, *bases: Base, bluez: bool = True
) -> AsyncIterator[Meeting]:
    async with house(daemon, folder) as box:
        for base in bases:
            box.nm.air.add(base)
        there = FakeBluez(daemon.address)
        if bluez:
            box.clock.attach(await there.start())
        bus = await connect(daemon.address)
        box.clock.attach(bus)
        improv = Improv(bus, box.service, INFO, box.clock)
        running = asyncio.get_running_loop().create_task(improv.run())
        try:
            yield Meeting(box, there)
        finally:
            running.cancel()
            await asyncio.wait({running})
            await bus.close()
            if there.__dict__.get("bus"):
                await there.stop()


def test_a_box_that_waits_can_be_found_and_asked(daemon: Daemon, tmp_path: Path) -> None:
    async def scenario() -> None:
        odd = Base(b"\xff\xfe", address="02:00:00:00:10:02")
        cafe = Base(b"Free", OPEN, address="02:00:00:00:10:03", strength=30)
        async with meeting(daemon, tmp_path, Base(HOME, WPA3, strength=80), odd, cafe) as both:
            await both.found()
            assert both.bluez.powered
            assert both.bluez.advertisement == {
                "Type": "peripheral",
                "ServiceUUIDs": [SERVICE],
                "ServiceData": {"4677": b"\x02\x06\0\0\0\0"},
            }
            assert await both.bluez.read(STATE) == AUTHORIZED
            assert await both.bluez.read(ERROR) == b"\0"
            assert await both.bluez.read(CAPABILITIES) == b"\x06"
            await both.send(3)
            assert await both.texts() == ["Luna", "1.2.3", "A board", "luna-cafe"]
            whole = await both.bluez.read(RESULT)
            assert await both.bluez.read(RESULT, 5) == whole[5:]
            await both.until(lambda: len(both.box.service.means.survey.networks()) == 3)
            await both.send(4)
            assert await both.texts() == [HOME.decode(), "-60", "WPA3", "Free", "-85", "NO"]
            assert both.heard(RESULT) == [whole, await both.bluez.read(RESULT)]

    play(scenario())


def test_a_wrong_password_is_told_while_the_radio_switches_and_then_the_right_one_works(
    daemon: Daemon, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with meeting(daemon, tmp_path, Base(HOME, WPA2, SECRET.decode())) as both:
            await both.found()
            await both.settings(HOME, b"wrong horse")
            await both.until(lambda: both.heard(ERROR))
            assert both.heard(STATE) == [PROVISIONING, AUTHORIZED]
            assert both.heard(ERROR) == [b"\x03"]
            await both.settings(HOME, SECRET)
            await both.until(lambda: both.heard(STATE)[-1] == PROVISIONED)
            assert both.heard(ERROR)[-1] == b"\0", "the last mistake is over"
            assert both.bluez.advertisement["ServiceData"] == {"4677": b"\x04\x06\0\0\0\0"}
            await both.until(lambda: both.heard(RESULT))
            assert await both.texts() == ["http://192.168.7.42/"]
            await both.box.until_state(State.ONLINE)
            waited = await both.until(lambda: not both.bluez.advertisement, "its end")
            assert waited > 30, "the client has time to read"
            assert not both.bluez.application

    play(scenario())


def test_what_is_wrong_is_told_and_changes_nothing(daemon: Daemon, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with meeting(daemon, tmp_path, Base(HOME, WPA2, SECRET.decode())) as both:
            await both.found()
            await both.bluez.write(COMMAND, b"\x01\x03\x00\x00\x00\x00")  # its checksum
            assert await both.bluez.read(ERROR) == b"\x01"
            await both.send(1, b"\x05abc")
            assert await both.bluez.read(ERROR) == b"\x01"
            await both.send(2)  # there is nothing to blink with
            assert await both.bluez.read(ERROR) == b"\x02"
            await both.send(99, b"x" * 255)
            assert await both.bluez.read(ERROR) == b"\x02"
            await both.settings(HOME, b"short")
            assert await both.bluez.read(ERROR) == b"\x03"
            assert await both.bluez.read(STATE) == AUTHORIZED
            await both.settings(HOME, SECRET)
            await both.settings(HOME, SECRET)  # one at a time
            assert await both.bluez.read(ERROR) == b"\x04"
            assert both.box.service.number == 1
            await both.until(lambda: both.heard(STATE)[-1] == PROVISIONED)

    play(scenario())


def test_a_hidden_network_is_called_by_its_name(daemon: Daemon, tmp_path: Path) -> None:
    async def scenario() -> None:
        base = Base(HOME, WPA2, SECRET.decode(), hidden=True)
        async with meeting(daemon, tmp_path, base) as both:
            await both.found()
            await both.settings(HOME, SECRET)
            await both.until(lambda: both.heard(STATE)[-1:] == [PROVISIONED])

    play(scenario())


def test_whoever_is_set_up_another_way_is_not_found_any_more(
    daemon: Daemon, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with meeting(daemon, tmp_path, Base(HOME, WPA2, SECRET.decode())) as both:
            await both.found()
            await both.box.join(HOME, SECRET)
            assert await both.until(lambda: not both.bluez.advertisement) < 5
            await both.box.ask("Forget", "ay", HOME)
            await both.found()
            assert await both.bluez.read(STATE) == AUTHORIZED

    play(scenario())


def test_adapters_and_bluez_itself_come_and_go(daemon: Daemon, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with meeting(daemon, tmp_path, bluez=False) as both:
            await both.box.until_hosting()
            both.box.clock.attach(await both.bluez.start(adapter=False))
            await both.box.clock.sleep(100)
            assert not both.bluez.application
            both.bluez.plug()
            assert await both.until(lambda: both.bluez.advertisement) < 5
            both.bluez.meet(1)  # clients are no adapters
            await both.box.clock.sleep(100)
            assert both.bluez.advertisement
            both.bluez.unplug()
            both.bluez.plug()
            assert await both.until(lambda: both.bluez.advertisement) < 5
            await both.bluez.stop()
            both.box.clock.attach(await both.bluez.start())
            assert await both.until(lambda: both.bluez.advertisement) < 40

    play(scenario())

"""A phone, the portal, the real service and a NetworkManager: a whole onboarding."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import pytest

from provisioning.payloads import SetupNetwork
from provisioning.portal.bridge import Bridge
from provisioning.portal.portal import Portal
from provisioning.situation import State
from tests.bus.daemon import Daemon
from tests.bus.fake_nm.air import WPA2, Base
from tests.bus.house import House, house, play

pytestmark = pytest.mark.needs("dbus-daemon")
HOME = "Café 🌙".encode()
SETUP = SetupNetwork(b"Luna-cafe", address="127.73.0.1/8")


@dataclass
class Phone:
    port: int

    async def ask(self, method: str, target: str, **values: str) -> str:
        """The page that a browser would show."""
        return await asyncio.to_thread(self._ask, method, target, urlencode(values))

    def _ask(self, method: str, target: str, body: str) -> str:
        connection = HTTPConnection("127.73.0.1", self.port, timeout=20)
        fields = {
            "Origin": f"http://127.73.0.1:{self.port}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        try:
            connection.request(method, target, body or None, fields)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    async def join(self, password: str) -> str:
        security = "wpa-psk"
        return await self.ask(
            "POST", "/join", ssid=HOME.hex(), security=security, password=password
        )


@asynccontextmanager
async def portal(box: House) -> AsyncIterator[Phone]:
    bridge = Bridge(box.country)
    bridge.attach(box.service)
    running = Portal(bridge, SETUP, "luna-cafe", {}, port=0)
    running.start()
    try:
        yield Phone(running.place.port)
    finally:
        await asyncio.to_thread(running.stop)


def test_a_phone_mistypes_then_succeeds(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        async with house(daemon, tmp_path) as box, portal(box) as phone:
            await box.until_hosting()
            box.nm.air.add(Base(HOME, WPA2, "correct horse"))
            await phone.ask("POST", "/rescan")
            assert "<bdi>Café 🌙</bdi>" in await phone.ask("GET", "/")

            assert "Luna is joining <bdi>Café 🌙</bdi>" in await phone.join("wrong horse")
            assert "Luna is joining" in await phone.ask("GET", "/")
            await ended(box, 1)
            await box.until_hosting()
            page = await phone.ask("GET", "/")
            assert "The password for <bdi>Café 🌙</bdi> was probably wrong" in page

            assert "Luna is joining" in await phone.join("correct horse")
            await ended(box, 2)
            await box.until_state(State.ONLINE)
            page = await phone.ask("GET", "/")
            assert "Luna is online" in page
            assert "http://192.168.7.42/" in page

    with Daemon(tmp_path) as daemon:
        play(scenario(daemon))


def test_a_country_is_set(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        async with house(daemon, tmp_path) as box, portal(box) as phone:
            await phone.ask("POST", "/country", country="DE")
            assert box.countries == ["DE"]

    with Daemon(tmp_path) as daemon:
        play(scenario(daemon))


async def ended(box: House, number: int) -> None:
    """Wait for the result; the portal's head start is in real time, the rest is not."""
    while box.number_done() < number:
        await asyncio.sleep(0.05)

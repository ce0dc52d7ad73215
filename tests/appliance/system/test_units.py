"""Against a real dbus-daemon, with stand-ins for systemd's two services."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.system.bus import BusLost, Call, CallFailed, connect
from appliance.system.units import Units
from tests.bus.daemon import Daemon

pytestmark = pytest.mark.needs("dbus-daemon")
DENIED = "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon(tmp_path) as running:
        yield running


async def asked(daemon: Daemon, *names: str, denied: bool = False) -> list[tuple[Any, ...]]:
    """What services of these names are asked by a restart and a reboot."""
    calls: list[tuple[Any, ...]] = []

    async def answer(call: Call) -> tuple[str, tuple[Any, ...]]:
        calls.append((call.path, call.interface, call.member, *call.body))
        if denied:
            raise CallFailed(DENIED, "Interactive authentication required.")
        if call.member == "Reboot":
            return "", ()
        return "o", ("/org/freedesktop/systemd1/job/1",)

    service = await connect(daemon.address)
    try:
        for name in names:
            await service.own(name)
        service.answer_calls(answer)
        units = Units(daemon.address)
        await units.restart("luna-api.service")
        await units.reboot()
    finally:
        await service.close()
    return calls


def test_systemd_is_asked_in_its_own_words(daemon: Daemon) -> None:
    calls = asyncio.run(asked(daemon, "org.freedesktop.systemd1", "org.freedesktop.login1"))
    assert calls == [
        (
            "/org/freedesktop/systemd1",
            "org.freedesktop.systemd1.Manager",
            "TryRestartUnit",
            "luna-api.service",
            "replace",
        ),
        ("/org/freedesktop/login1", "org.freedesktop.login1.Manager", "Reboot", False),
    ]


def test_a_refusal_is_told(daemon: Daemon) -> None:
    with pytest.raises(CallFailed, match="authentication"):
        asyncio.run(asked(daemon, "org.freedesktop.systemd1", denied=True))


def test_a_machine_without_systemd(daemon: Daemon) -> None:
    with pytest.raises(CallFailed, match=r"org\.freedesktop\.systemd1"):
        asyncio.run(Units(daemon.address).restart("x.service"))


def test_a_machine_without_a_bus(tmp_path: Path) -> None:
    with pytest.raises(BusLost):
        asyncio.run(Units(f"unix:path={tmp_path}/none").reboot())


def test_how_units_are(daemon: Daemon) -> None:
    async def answer(call: Call) -> tuple[str, tuple[Any, ...]]:
        state = ["a.service", "", "loaded", "active", "running", "", "/a", 0, "", "/"]
        return "a(ssssssouso)", ([state],)

    async def scene() -> dict[str, str]:
        service = await connect(daemon.address)
        try:
            await service.own("org.freedesktop.systemd1")
            service.answer_calls(answer)
            return await Units(daemon.address).states(["a.service"])
        finally:
            await service.close()

    assert asyncio.run(scene()) == {"a.service": "active"}

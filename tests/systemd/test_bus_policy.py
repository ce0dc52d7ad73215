"""Who may be the provisioning service and who may call it: asked of a real dbus-daemon."""

from __future__ import annotations

import asyncio
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.system.bus import connect
from appliance.system.provisioning_names import SERVICE
from tests.bus.daemon import Daemon

FOLDER = Path(__file__).parents[2] / "systemd/dbus-1"
POLICY = FOLDER / f"system.d/{SERVICE}.conf"
# The device's users, played by some that every Debian has; the test itself is the service.
PLAYED = {"luna-net": "root", "luna": "bin", "root": "daemon", "luna-status": "sys"}
DESTINATION = f"--dest={SERVICE}"
DENIED = "org.freedesktop.DBus.Error.AccessDenied"

pytestmark = pytest.mark.needs("dbus-daemon", "root")


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    policies = re.sub(r"</?busconfig>|<!.*?>(?=\n)|<!--.*?-->", "", POLICY.read_text(), flags=re.S)
    policies = re.sub('(?<=user=")[^"]+', lambda user: PLAYED[user[0]], policies)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with Daemon(Path(folder), more=policies) as running:
            yield running


def send(daemon: Daemon, user: str, *words: str) -> str:
    """What a call says, made by a user of the device."""
    command = ["dbus-send", f"--bus={daemon.address}", "--print-reply", *words]
    done = subprocess.run(
        command,
        user=PLAYED.get(user, user),
        capture_output=True,
        text=True,
        check=False,
        timeout=10,
    )
    return done.stdout + done.stderr


def own(daemon: Daemon, user: str) -> str:
    bus = "org.freedesktop.DBus"
    words = (f"--dest={bus}", "/", f"{bus}.RequestName", f"string:{SERVICE}", "uint32:4")
    return send(daemon, user, *words)


def test_only_its_own_user_may_be_the_service(daemon: Daemon) -> None:
    assert "uint32 1" in own(daemon, "luna-net")
    for user in ("luna", "root", "nobody"):
        assert DENIED in own(daemon, user)


def test_only_the_api_and_root_may_call_it(daemon: Daemon) -> None:
    async def scenario() -> dict[str, str]:
        service = await connect(daemon.address)
        try:
            await service.own(SERVICE)
            call = (f"--dest={SERVICE}", "/", f"{SERVICE}.Scan")
            users = ("luna", "root", "nobody")
            return {each: await asyncio.to_thread(send, daemon, each, *call) for each in users}
        finally:
            await service.close()

    answers = asyncio.run(scenario())
    assert "Nothing is here" in answers["luna"]
    assert "Nothing is here" in answers["root"]
    assert DENIED in answers["nobody"]


def test_the_status_screen_may_only_look(daemon: Daemon) -> None:
    async def scenario() -> dict[str, str]:
        service = await connect(daemon.address)
        try:
            await service.own(SERVICE)
            calls = ("org.freedesktop.DBus.Properties.GetAll", f"{SERVICE}.Scan")
            return {
                call: await asyncio.to_thread(send, daemon, "luna-status", DESTINATION, "/", call)
                for call in calls
            }
        finally:
            await service.close()

    looked, acted = asyncio.run(scenario()).values()
    assert "Nothing is here" in looked
    assert DENIED in acted


def test_the_bus_starts_it_through_systemd() -> None:
    text = (FOLDER / f"system-services/{SERVICE}.service").read_text()
    assert f"Name={SERVICE}\n" in text
    assert "SystemdService=luna-provisioning.service\n" in text

"""Against a real dbus-daemon, with a stand-in for RAUC."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.errors import ReadingUnavailable
from appliance.system import rauc
from appliance.system.bus import BusLost
from appliance.system.rauc import Progress, Rauc, Slot, UpdateRefused
from tests.bus.daemon import Daemon
from tests.bus.fake_rauc import NAMES, FakeRauc, slot
from tests.bus.offered import offered

pytestmark = pytest.mark.needs("dbus-daemon")


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon(tmp_path) as running:
        yield running


@pytest.fixture
def fake(daemon: Daemon) -> Iterator[FakeRauc]:
    service = FakeRauc()
    with offered(daemon.address, NAMES, service.answer):
        yield service


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rauc, "_LOOK_SECONDS", 0.001)


async def installed(daemon: Daemon, source: str = "/u.raucb") -> list[Progress]:
    told: list[Progress] = []
    async with await Rauc.connect(daemon.address) as connection:
        await connection.install(source, told.append)
    return told


async def asked_for(daemon: Daemon) -> tuple[tuple[Slot, ...], str]:
    async with await Rauc.connect(daemon.address) as connection:
        await connection.mark_running(good=True)
        await connection.mark_running(good=False)
        return await connection.slots(), await connection.version("/u.raucb")


def test_slots_and_versions_are_read(daemon: Daemon, fake: FakeRauc) -> None:
    slots, version = asyncio.run(asked_for(daemon))
    assert slots == (Slot("A", True, True, ""), Slot("B", False, True, "1.0"))
    assert version == "2.0"
    assert fake.asked == [("Mark", "good", "booted"), ("Mark", "bad", "booted")]


def test_an_installation_tells_how_far_it_is(daemon: Daemon, fake: FakeRauc) -> None:
    told = asyncio.run(installed(daemon))
    assert [(each.percent, each.message) for each in told] == [
        (20, "Checking"),
        (60, "Copying"),
        (100, "Installing done."),
    ]
    assert fake.asked == [("InstallBundle", "/u.raucb", {})]


def test_an_installation_that_fails_is_refused_with_the_reason(
    daemon: Daemon, fake: FakeRauc
) -> None:
    fake.error = "no space left"
    with pytest.raises(UpdateRefused, match="no space left"):
        asyncio.run(installed(daemon))


def test_a_bundle_that_others_signed_is_refused(daemon: Daemon, fake: FakeRauc) -> None:
    fake.bundle = ""
    with pytest.raises(UpdateRefused, match="signature verification failed"):
        asyncio.run(asked_for(daemon))


def test_a_bundle_for_another_board_is_refused(daemon: Daemon, fake: FakeRauc) -> None:
    fake.made_for = "luna-rock-5b"
    with pytest.raises(UpdateRefused, match="it is for luna-rock-5b, and this is luna-virt-arm64"):
        asyncio.run(asked_for(daemon))


def test_a_system_that_was_not_written_as_a_whole_has_no_version(
    daemon: Daemon, fake: FakeRauc
) -> None:
    fake.slots = [slot("B", "inactive", "bad", "1.0", status="pending")]
    slots, _ = asyncio.run(asked_for(daemon))
    assert slots == (Slot("B", False, False, ""),)


def test_a_machine_without_it_says_so(daemon: Daemon) -> None:
    with pytest.raises(ReadingUnavailable, match="firmware image"):
        asyncio.run(asked_for(daemon))


def test_a_machine_without_a_bus(tmp_path: Path) -> None:
    with pytest.raises(BusLost):
        asyncio.run(Rauc.connect(f"unix:path={tmp_path}/none"))

"""Updates from a stick, against a real dbus-daemon with stand-ins for RAUC and systemd."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.importing.progress import Progress
from appliance.system import rauc
from appliance.updates import judge
from appliance.updates.stick import install_newest
from tests.bus.daemon import Daemon
from tests.bus.fake_rauc import NAMES, FakeRauc, slot
from tests.bus.offered import offered

pytestmark = pytest.mark.needs("dbus-daemon")


class Desk:
    """A stick with updates on it, and what was told of it."""

    def __init__(self, folder: Path, address: str, fake: FakeRauc) -> None:
        self.folder, self.address, self.fake = folder, address, fake
        self.told: list[Progress] = []

    def put(self, name: str, version: str) -> str:
        (self.folder / name).write_bytes(bytes(1000))
        self.fake.bundles[name] = version
        return str(self.folder / name)

    def run(self, each_look: Callable[[], None] = lambda: None) -> bool:
        files = sorted(self.folder.glob("*.raucb"))
        seconds = itertools.count(0.0, 10.0)

        def clock() -> float:
            each_look()
            return next(seconds)

        return asyncio.run(
            install_newest(files, "1.5", self.told.append, address=self.address, clock=clock)
        )

    @property
    def installed(self) -> list[str]:
        return [asked[1] for asked in self.fake.asked if asked[0] == "InstallBundle"]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(rauc, "_LOOK_SECONDS", 0.001)
    monkeypatch.setattr(judge, "_LOOK_SECONDS", 0.001)
    fake = FakeRauc()
    with Daemon(tmp_path) as daemon, offered(daemon.address, NAMES, fake.answer):
        yield Desk(tmp_path, daemon.address, fake)


def test_the_newest_that_fits_is_installed_and_told(desk: Desk) -> None:
    desk.put("a.raucb", "1.9")
    newest = desk.put("b.raucb", "1.10")
    desk.put("c.raucb", "1.6")
    desk.put("foreign.raucb", "")
    assert desk.run()
    assert desk.installed == [newest]
    assert [each.percent for each in desk.told] == [20, 60, 100, 100]
    assert {each.state for each in desk.told[:-1]} == {"copying"}
    last = desk.told[-1]
    assert (last.state, last.message) == ("done", "1.10 is installed; the device restarts now.")
    (problem,) = last.problems
    assert problem.startswith("foreign.raucb: This is no update for this device: ")


@pytest.mark.parametrize("version", ["1.5", "1.4"])
def test_what_is_not_newer_is_left_alone(desk: Desk, version: str) -> None:
    desk.put("a.raucb", version)
    assert not desk.run()
    assert desk.installed == []
    assert "not newer than 1.5, which runs here" in desk.told[-1].message
    assert desk.told[-1].state == "done"


def test_what_runs_under_another_version_is_not_installed_at_each_start(desk: Desk) -> None:
    desk.put("a.raucb", "2.0")
    desk.fake.slots = [slot("A", "inactive", "good"), slot("B", "booted", "good", "2.0")]
    assert not desk.run()
    assert desk.installed == []


def test_what_was_left_is_not_tried_again(desk: Desk) -> None:
    desk.put("a.raucb", "2.0")
    desk.fake.slots = [slot("A", "booted", "good"), slot("B", "inactive", "bad", "2.0")]
    assert not desk.run()
    assert desk.installed == []
    assert "luna update FILE" in desk.told[-1].message


def test_what_was_cut_off_is_tried_again(desk: Desk) -> None:
    file = desk.put("a.raucb", "2.0")
    unfinished = slot("B", "inactive", "bad", "2.0", status="pending")
    desk.fake.slots = [slot("A", "booted", "good"), unfinished]
    assert desk.run()
    assert desk.installed == [file]


def test_what_waits_for_a_restart_is_not_installed_again(desk: Desk) -> None:
    desk.put("a.raucb", "2.0")
    desk.fake.slots = [slot("A", "booted", "good"), slot("B", "inactive", "good", "2.0")]
    assert not desk.run()
    assert desk.told[-1].message == "2.0 is installed already; restart the device to use it."


def test_the_way_back_stays_until_the_running_system_is_trusted(desk: Desk) -> None:
    desk.put("a.raucb", "2.0")
    states = iter(["activating", "active", "active", "inactive"])

    def each_look() -> None:
        assert desk.installed == []
        desk.fake.unit_states["luna-confirm"] = next(states)

    assert desk.run(each_look)
    assert list(states) == [], "it did not wait for the judge"
    assert len(desk.installed) == 1
    assert "has proved itself" in desk.told[0].message


def test_a_system_that_is_sick_for_ever_may_be_cured_by_an_update(desk: Desk) -> None:
    desk.put("a.raucb", "2.0")
    desk.fake.unit_states = {"luna-confirm": "active"}
    assert desk.run()


def test_nothing_is_installed_over_the_system_that_is_gone_back_to(desk: Desk) -> None:
    desk.put("a.raucb", "2.0")
    desk.fake.slots = [slot("A", "booted", "bad"), slot("B", "inactive", "good", "1.0")]
    assert not desk.run()
    assert desk.installed == []


def test_a_failure_is_told_with_its_reason(desk: Desk) -> None:
    desk.put("a.raucb", "2.0")
    desk.fake.error = "Input/output error"
    assert not desk.run()
    assert desk.told[-1] == Progress("failed", "The update was not installed: Input/output error")


def test_a_stick_without_an_update_for_this_device(desk: Desk) -> None:
    desk.put("a.raucb", "")
    desk.put("b.raucb", "")
    assert not desk.run()
    assert "no update for this device" in desk.told[-1].message
    assert len(desk.told[-1].problems) == 2


def test_a_machine_that_runs_no_image_says_so(tmp_path: Path) -> None:
    told: list[Progress] = []
    with Daemon(tmp_path) as daemon:
        file = tmp_path / "a.raucb"
        asyncio.run(install_newest([file], "", told.append, address=daemon.address))
    (last,) = told
    assert last.state == "failed"
    assert "does not run Luna's firmware image" in last.message

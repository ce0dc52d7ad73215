"""`luna update` against a real message bus with a stand-in for RAUC."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from appliance.cli import update
from appliance.cli.main import main
from appliance.importing import progress
from appliance.updates import judge
from tests.bus.daemon import Daemon
from tests.bus.fake_rauc import NAMES, FakeRauc
from tests.bus.offered import offered
from tests.helpers.wire import eventually

pytestmark = pytest.mark.needs("dbus-daemon")


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRauc]:
    service = FakeRauc()
    monkeypatch.setattr(update, "running_version", lambda: "1.5")
    with Daemon(tmp_path) as daemon, offered(daemon.address, NAMES, service.answer):
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", daemon.address)
        yield service


def test_it_tells_which_systems_there_are(
    fake: FakeRauc, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["update"]) == 0
    assert capsys.readouterr().out == "A  runs      1.5\nB  ready     1.0\n"


def test_an_update_is_installed_with_progress(
    fake: FakeRauc, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["update", str(tmp_path / "x/../u.raucb")]) == 0
    told = capsys.readouterr().out
    assert " 20 %  Checking" in told
    assert "2.0 is installed. Restart the device" in told
    assert fake.asked == [("InstallBundle", str(tmp_path / "u.raucb"), {})]


def test_an_update_waits_until_the_running_system_is_trusted(
    fake: FakeRauc, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge, "_LOOK_SECONDS", 0.001)
    states = iter(["activating", "active", "inactive"])
    monkeypatch.setattr(fake, "unit_states", _Changing(states))
    assert main(["update", "/u.raucb"]) == 0
    assert capsys.readouterr().out.count("has to prove itself first") == 1
    assert list(states) == []


class _Changing(dict[str, str]):
    """Another state of a unit each time it is asked for."""

    def __init__(self, states: Iterator[str]) -> None:
        super().__init__()
        self._states = states

    def get(self, *_: object) -> str:
        return next(self._states)


def test_an_older_one_needs_a_word(fake: FakeRauc, capsys: pytest.CaptureFixture[str]) -> None:
    fake.bundle = "1.4"
    assert main(["update", "/u.raucb"]) == 1
    assert "add --allow-older" in capsys.readouterr().err
    assert main(["update", "/u.raucb", "--allow-older"]) == 0


def test_a_device_may_be_forbidden_to_go_back(
    fake: FakeRauc, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.bundle = "1.4"
    monkeypatch.setenv("LUNA_UPDATES_ALLOW_OLDER", "false")
    assert main(["update", "/u.raucb", "--allow-older"]) == 1
    assert "updates.allow_older" in capsys.readouterr().err
    assert fake.asked == []


def test_the_newest_is_taken_from_where_the_settings_say(
    fake: FakeRauc, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["update", "--newest"]) == 1
    assert "set updates.url" in capsys.readouterr().err
    monkeypatch.setenv("LUNA_UPDATES_URL", "https://example.org/newest.raucb")
    fake.bundle = "1.5"
    assert main(["update", "--newest"]) == 0
    assert "1.5 at https://example.org/newest.raucb is not newer" in capsys.readouterr().out
    assert fake.asked == []
    fake.bundle = "2.0"
    assert main(["update", "--newest"]) == 0
    assert "2.0 is installed" in capsys.readouterr().out
    assert fake.asked == [("InstallBundle", "https://example.org/newest.raucb", {})]


def test_a_foreign_bundle_is_refused_in_a_sentence(
    fake: FakeRauc, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.bundle = ""
    assert main(["update", "https://example.org/u.raucb"]) == 1
    assert "no update for this device" in capsys.readouterr().err
    assert fake.asked == []


def test_the_newest_of_a_stick_is_installed_and_the_device_restarts(
    fake: FakeRauc,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen, stick = tmp_path / "screen", tmp_path / "stick"
    screen.mkdir()
    stick.mkdir()
    monkeypatch.setattr(progress, "FOLDER", screen)
    fake.unit_states["luna-confirm"] = "inactive"
    words = ["update", "--stick", str(stick), "--progress", "sda1-update"]
    assert main(words) == 0
    assert (fake.asked, progress.told(screen)) == ([], ())
    (stick / "u.raucb").write_bytes(b"update")
    assert main(words) == 0
    asked: list[tuple[object, ...]] = [
        ("InstallBundle", str(stick / "u.raucb"), {}),
        ("Reboot", False),
    ]
    assert fake.asked == asked
    assert capsys.readouterr().out == "2.0 is installed; the device restarts now.\n"
    assert [each.state for each in progress.told(screen)] == ["done"]
    fake.bundle = "1.5"
    assert main(words) == 0
    assert fake.asked == asked, "once is enough"


def test_a_stick_that_is_pulled_out_is_told(
    fake: FakeRauc, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "u.raucb").write_bytes(b"update")
    fake.unit_states["luna-confirm"] = "inactive"
    fake.steps = [(20, "Copying")] * 10**6
    process = os.getpid()

    def pull_out() -> None:
        eventually(lambda: fake.asked, "an installation")
        os.kill(process, signal.SIGTERM)

    with ThreadPoolExecutor(1) as pool:
        pulled = pool.submit(pull_out)
        assert main(["update", "--stick", str(tmp_path)]) == 0
        pulled.result()
    assert "pulled out" in capsys.readouterr().out
    assert [asked[0] for asked in fake.asked] == ["InstallBundle"]

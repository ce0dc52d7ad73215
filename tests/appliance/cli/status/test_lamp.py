from __future__ import annotations

from pathlib import Path

import pytest

from appliance.cli.status.facts import State
from appliance.cli.status.lamp import Lamp
from appliance.system.ending import Ending


@pytest.fixture
def led(tmp_path: Path) -> Path:
    tags = tmp_path / "run/udev/tags/luna-led"
    tags.mkdir(parents=True)
    (tags / "+leds:green:status").touch()
    (tags / "+leds:gone").touch()
    folder = tmp_path / "sys/class/leds/green:status"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize(
    ("state", "trigger"),
    [(State.SETUP, "timer"), (State.ONLINE, "default-on"), (State.THINKING, "heartbeat")],
)
def test_the_kernel_shows_the_state(tmp_path: Path, led: Path, state: State, trigger: str) -> None:
    Lamp(tmp_path).show(state)
    assert (led / "trigger").read_text() == f"{trigger}\n"


def test_it_is_written_only_when_it_changes(tmp_path: Path, led: Path) -> None:
    lamp = Lamp(tmp_path)
    lamp.show(State.ONLINE)
    (led / "trigger").unlink()
    lamp.show(State.ONLINE)
    assert not (led / "trigger").exists()
    lamp.show(State.OFFLINE)
    assert (led / "brightness").read_text() == "0\n"


def test_trouble_is_in_a_hurry(tmp_path: Path, led: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lamp, stop, seen = Lamp(tmp_path), Ending(), list[str]()

    def look(seconds: float) -> bool:
        seen.append((led / "brightness").read_text().strip())
        return False

    monkeypatch.setattr(stop, "wait", look)
    lamp.show(State.FAULT)
    assert not lamp.rest(stop, 0.6)
    assert seen == ["255", "0", "255", "0"]


def test_a_device_without_an_led_just_waits(tmp_path: Path) -> None:
    stop = Ending()
    stop.set()
    lamp = Lamp(tmp_path)
    for state in State:
        lamp.show(state)
        assert lamp.rest(stop, 5.0)

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.system.board import Temperature
from appliance.system.rknpu import Rknpu
from appliance.system.rknpu_log import NpuEvent
from appliance.watchdog.eyes import Eyes
from appliance.watchdog.readings import Heartbeat, Readings
from appliance.watchdog.server import Server
from tests.appliance.watchdog.api import Api, api
from tests.appliance.watchdog.board import Board


@pytest.fixture
def fake() -> Iterator[Api]:
    with api() as running:
        yield running


def eyes(fake: Api, root: Path) -> Eyes:
    return Eyes(Server(fake.url), Rknpu(root), root, clock=lambda: 7.0)


def test_everything_is_seen(fake: Api, tmp_path: Path) -> None:
    board = Board(tmp_path)
    fake.engines = [{"model": "qwen"}]
    seen = eyes(fake, tmp_path)
    board.load(63, 100, 0)
    board.press(12.5)
    try:
        assert seen.look(canary=True) == Readings(
            at=7.0,
            engines=(Heartbeat("qwen", state=""),),
            npu_load=(63.0, 100.0, 0.0),
            interrupts=100,
            kernel=(),
            temperatures=tuple(
                Temperature(zone, 45.5) for zone in ("soc-thermal", "gpu-thermal", "npu-thermal")
            ),
            memory_pressure=12.5,
            can_reset=True,
            canary=True,
        )
    finally:
        seen.close()


def test_what_the_driver_says_is_told_once(fake: Api, tmp_path: Path) -> None:
    board = Board(tmp_path)
    board.say("job timeout, flags: 0x0:")
    board.say("failed to soft reset for rknpu: -110")
    seen = eyes(fake, tmp_path)
    try:
        assert seen.look().kernel == (NpuEvent.RESET_FAILED,), "older hangs are over"
        board.say("job timeout, flags: 0x0:")
        board.say("soft reset, num: 1")
        assert seen.look().kernel == (NpuEvent.TIMEOUT, NpuEvent.RESET)
        assert seen.look().kernel == ()
    finally:
        seen.close()


def test_a_machine_without_any_of_it(tmp_path: Path) -> None:
    with api() as fake:
        gone = fake.url
    seen = Eyes(Server(gone), Rknpu(tmp_path), tmp_path, clock=lambda: 7.0)
    assert seen.look() == Readings(at=7.0, engines=None, can_reset=False)
    seen.close()


@pytest.mark.parametrize(
    ("text", "load"),
    [
        ("NPU load:  Core0: 429496%, Core1: 20000%, Core2:  0%,\n", (100.0, 100.0, 0.0)),
        ("NPU load:  0%\n", (0.0,)),
        ("", None),
        ("\x00\xff", None),
        ("busy", None),
    ],
)
def test_odd_loads(fake: Api, tmp_path: Path, text: str, load: tuple[float, ...] | None) -> None:
    board = Board(tmp_path)
    board.put("sys/kernel/debug/rknpu/load", text)
    seen = eyes(fake, tmp_path)
    try:
        assert seen.look().npu_load == load
    finally:
        seen.close()


def test_odd_temperatures_are_left_out(fake: Api, tmp_path: Path) -> None:
    board = Board(tmp_path)
    board.put("sys/class/thermal/thermal_zone0/temp", "-274000\n")
    board.put("sys/class/thermal/thermal_zone1/temp", "hot\n")
    seen = eyes(fake, tmp_path)
    try:
        assert [each.zone for each in seen.look().temperatures] == ["npu-thermal"]
    finally:
        seen.close()

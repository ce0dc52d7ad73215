from __future__ import annotations

import os
import struct
import threading
from pathlib import Path

import pytest

from appliance.firstboot.button import HOLD_S, Hold, wait_for_hold

VENDOR, POWER = 360, 116
KEY, SYNC = 1, 0


def event(code: int, value: int, kind: int = KEY) -> bytes:
    return struct.pack("@llHHi", 0, 0, kind, code, value)


class Clock:
    """Time that passes only when it is looked at."""

    def __init__(self, *times: float) -> None:
        self._times = list(times)

    def __call__(self) -> float:
        return self._times.pop(0) if len(self._times) > 1 else self._times[0]


def test_only_a_recovery_key_that_is_held_counts() -> None:
    hold = Hold()
    assert hold.left(0.0) is None
    hold.hear(KEY, POWER, 1, 0.0)
    hold.hear(SYNC, VENDOR, 1, 0.0)
    assert hold.left(0.0) is None
    hold.hear(KEY, VENDOR, 1, 1.0)
    assert hold.left(4.0) == HOLD_S - 3.0
    hold.hear(KEY, VENDOR, 2, 5.0)  # the kernel repeats it
    assert hold.left(1.0 + HOLD_S) == 0.0
    hold.hear(KEY, POWER, 0, 6.0)
    assert hold.left(6.0) is not None
    hold.hear(KEY, VENDOR, 0, 6.0)
    assert hold.left(6.0) is None


@pytest.fixture
def device(tmp_path: Path) -> Path:
    path = tmp_path / "event0"
    os.mkfifo(path)
    return path


def send(device: Path, data: bytes, held_open: threading.Event) -> threading.Thread:
    def write() -> None:
        with device.open("wb") as file:
            file.write(data)
            file.flush()
            held_open.wait(20)

    thread = threading.Thread(target=write)
    thread.start()
    return thread


def test_a_key_that_is_held_for_long_is_told(device: Path) -> None:
    done = threading.Event()
    thread = send(device, event(VENDOR, 1), done)
    assert wait_for_hold(device, clock=Clock(0.0, 0.0, 0.0, HOLD_S + 1))
    done.set()
    thread.join()


def test_a_short_press_and_a_device_that_goes_are_nothing(device: Path) -> None:
    done = threading.Event()
    done.set()
    thread = send(device, event(VENDOR, 1) + event(VENDOR, 0) + b"half", done)
    assert not wait_for_hold(device, clock=Clock(0.0))
    thread.join()


def test_in_the_end_it_waits_no_longer(device: Path) -> None:
    done = threading.Event()
    thread = send(device, event(POWER, 1), done)
    assert not wait_for_hold(device, 60.0, Clock(0.0, 0.0, 0.0, 61.0))
    done.set()
    thread.join()

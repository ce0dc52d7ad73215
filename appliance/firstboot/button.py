"""A key of the board that asks for a factory reset when it is held for long.

Events are those of the kernel's input devices (linux/input.h).
"""

from __future__ import annotations

import os
import select
import struct
import time
from collections.abc import Callable
from math import inf
from pathlib import Path

HOLD_S = 10.0
# What device trees give recovery buttons: KEY_VOLUMEUP, _SETUP, _CONFIG, _VENDOR, _RESTART.
KEYS = frozenset({115, 141, 171, 360, 408})
_EVENT = struct.Struct("@llHHi")  # seconds, microseconds, type, code, value
_EV_KEY = 1
_RELEASED, _PRESSED = 0, 1


class Hold:
    """One key that is held: which, and since when."""

    def __init__(self) -> None:
        self._key: int | None = None
        self._until = 0.0

    def hear(self, kind: int, code: int, value: int, at: float) -> None:
        """An event; the kernel's own repetitions change nothing."""
        if kind != _EV_KEY or code not in KEYS:
            return
        if value == _PRESSED:
            self._key, self._until = code, at + HOLD_S
        elif value == _RELEASED and code == self._key:
            self._key = None

    def left(self, at: float) -> float | None:
        """Seconds until it was held long enough, at least 0; None while no key is held."""
        return None if self._key is None else max(0.0, self._until - at)


def wait_for_hold(
    device: Path, seconds: float = inf, clock: Callable[[], float] = time.monotonic
) -> bool:
    """Whether a key of `device` was held long enough; a press in the first `seconds` counts.

    False, too, if the device is gone. Raises OSError if it cannot be opened.
    """
    hold, end = Hold(), clock() + seconds
    descriptor = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while True:
            now = clock()
            left = hold.left(now)
            if left == 0:
                return True
            patience = end - now if left is None else left
            if patience <= 0:
                return False
            timeout = None if patience == inf else patience
            ready, _, _ = select.select([descriptor], [], [], timeout)
            if ready and not _read(descriptor, hold, clock()):
                return False
    finally:
        os.close(descriptor)


def _read(descriptor: int, hold: Hold, at: float) -> bool:
    """Take in what there is; False at the end."""
    try:
        data = os.read(descriptor, 64 * _EVENT.size)
    except OSError:
        return False
    whole = len(data) - len(data) % _EVENT.size
    for _, _, kind, code, value in _EVENT.iter_unpack(data[:whole]):
        hold.hear(kind, code, value, at)
    return bool(data)

"""How long the watchdog waits, and how warm it may get."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds, unless a name says otherwise.

    `stall`: no token while the NPU is busy. The driver gives a stuck job up after 6 to 18 s, so
    less would be too early. `silent`: no token whatever the NPU does. `gone`: no answer of the
    server. `calm`: how long all must be well before an illness counts as a new one. `reboot_apart`:
    between two reboots, over all boots. `rest`: after everything was tried. `canary` 0 means none.
    """

    stall: float = 20.0
    silent: float = 120.0
    gone: float = 60.0
    calm: float = 600.0
    rest: float = 900.0
    reboot_apart: float = 3600.0
    reboot: bool = True
    canary: float = 0.0
    pinned_percent: float = 95.0
    hot_celsius: float = 80.0
    pressed_percent: float = 40.0

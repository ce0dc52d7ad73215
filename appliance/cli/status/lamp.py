"""The state on an LED, for a device without a screen.

The kernel blinks by itself where it can (leds-class: `trigger`); only trouble is blinked from here.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from appliance.cli.status.facts import State
from appliance.system.ending import Ending

# Our rule of udev marks LEDs by this tag.
_TAGGED = "run/udev/tags/luna-led"
_LEDS = "sys/class/leds"
_TRIGGERS = {
    State.SETUP: "timer",  # on and off, half a second each
    State.ONLINE: "default-on",
    State.THINKING: "heartbeat",
    State.OFFLINE: "none",
    State.FAULT: "none",
}
_HURRIED = 0.15  # seconds


class Lamp:
    """Every LED that is marked in the system below `root`; there may be none."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._state: State | None = None

    def show(self, state: State) -> None:
        """Let it be seen from now on; what cannot be written to stays dark."""
        if state is not self._state:
            self._write("trigger", _TRIGGERS[state])
            if _TRIGGERS[state] == "none":
                self._write("brightness", "0")
        self._state = state

    def rest(self, stop: Ending, seconds: float) -> bool:
        """Wait, blinking in a hurry if there is trouble; whether `stop` was set."""
        if self._state is not State.FAULT:
            return stop.wait(seconds)
        for beat in range(round(seconds / _HURRIED)):
            self._write("brightness", "0" if beat % 2 else "255")
            if stop.wait(_HURRIED):
                break
        return stop.is_set()

    def _write(self, name: str, text: str) -> None:
        for tag in (self._root / _TAGGED).glob("+leds:*"):
            with suppress(OSError):
                file = self._root / _LEDS / tag.name.removeprefix("+leds:") / name
                file.write_text(f"{text}\n", "ascii")

"""How far a download is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

from appliance.cli.table import size
from appliance.models.downloads.item import Meter

_WIDTH = 24
_STEP = 10  # percent between two lines where nothing can be overwritten
_REDRAW_SECONDS = 0.1


class Bar:
    """Shows one download of `total` bytes on `stream`; `clock` is in seconds."""

    def __init__(
        self, stream: TextIO, total: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = stream
        self._total = total
        self._clock = clock
        self._redraws = stream.isatty()
        self._meter = Meter()
        self._next = 0.0  # percent of the next line, or the time of the next drawing
        self._drawn = 0

    def show(self, done: int) -> None:
        """So many bytes are there."""
        now = self._clock()
        text = bar(done, self._total, self._meter.note(now, done))
        last = done >= self._total
        if self._redraws and (now >= self._next or last):
            self._stream.write("\r" + text.ljust(self._drawn))
            self._drawn, self._next = len(text), now + _REDRAW_SECONDS
        elif not self._redraws and _percent(done, self._total) >= self._next:
            self._stream.write(text + "\n")
            self._next = _percent(done, self._total) // _STEP * _STEP + _STEP
        self._stream.flush()

    def end(self) -> None:
        """Leave the line."""
        if self._drawn:
            self._stream.write("\n")
            self._stream.flush()
            self._drawn = 0


def bar(done: int, total: int, speed: float) -> str:
    """Such as "[####----]  50 %  1.0 GB of 2.0 GB  10.0 MB/s  1:40 left"; speed is a second's."""
    percent = _percent(done, total)
    filled = percent * _WIDTH // 100
    parts = [
        f"[{'#' * filled}{'-' * (_WIDTH - filled)}] {percent:3} %",
        f"{size(done)} of {size(total)}",
    ]
    if speed > 0 and done < total:
        parts += [f"{size(speed)}/s", f"{_clock((total - done) / speed)} left"]
    return "  ".join(parts)


def _percent(done: int, total: int) -> int:
    return min(100, 100 * done // total) if total else 100


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

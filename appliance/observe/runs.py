"""How fast the last run of a model was."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from appliance.domain.events import Timings
from appliance.errors import ReadingUnavailable


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run; `peak_memory_bytes` is the most that its engine ever had in memory."""

    model: str
    timings: Timings
    peak_memory_bytes: int


class Runs:
    """Keeps the last finished run; `peak_memory` reads a process's peak from the system."""

    def __init__(self, peak_memory: Callable[[int], int]) -> None:
        self._peak_memory = peak_memory
        self._lock = threading.Lock()
        self._last: Run | None = None

    def finished(self, model: str, timings: Timings, pid: int | None) -> None:
        """Note a run of the engine process `pid`."""
        try:
            peak = self._peak_memory(pid) if pid is not None else 0
        except ReadingUnavailable:
            peak = 0  # the engine ended in the meantime
        with self._lock:
            self._last = Run(model, timings, peak)

    def last(self) -> Run | None:
        """The last run, or None before the first."""
        return self._last

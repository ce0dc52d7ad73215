"""Reading a process that prints lines of JSON, with a deadline on every wait."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections.abc import Callable
from typing import Any

PATIENCE_S = 20.0

Event = dict[str, Any]


class Talk:
    """What a process says; `events` is all of it so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self._descriptor = process.stdout.fileno()
        self._rest = b""
        self.events: list[Event] = []

    def until(
        self, wanted: Callable[[Event], object], what: str, seconds: float = PATIENCE_S
    ) -> Event:
        """The next event that is wanted; fails after some seconds, or when the process ended."""
        deadline = time.monotonic() + seconds
        while True:
            event = self._next(deadline)
            assert event is not None, f"{what} did not come; there was: {self.events[-20:]}"
            if wanted(event):
                return event

    def gather(self, seconds: float) -> list[Event]:
        """Everything that is said in this time, and was not read before."""
        deadline, found = time.monotonic() + seconds, []
        while (event := self._next(deadline)) is not None:
            found.append(event)
        return found

    def next(self, seconds: float = PATIENCE_S) -> Event | None:
        """The next event; None when there is none in this time, or the process has ended."""
        return self._next(time.monotonic() + seconds)

    def _next(self, deadline: float) -> Event | None:
        while b"\n" not in self._rest:
            rest = max(0.0, deadline - time.monotonic())
            if not select.select([self._descriptor], [], [], rest)[0]:
                return None
            data = os.read(self._descriptor, 65536)
            if not data:
                return None
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        event: Event = json.loads(line)
        self.events.append(event)
        return event

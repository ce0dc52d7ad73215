"""A thread that lets models go when their time is over; it is there from the first such wish on."""

from __future__ import annotations

import threading
from collections.abc import Callable

_LONGEST = 3600.0  # seconds: threads cannot wait for a thousand years


class Reaper:
    """Calls `reap`, which answers how many seconds are left until it is wanted again.

    None means not before the next `nudge`. It is never called by two threads at once.
    """

    def __init__(self, reap: Callable[[], float | None]) -> None:
        self._reap = reap
        self._nudged = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def nudge(self) -> None:
        """Have it look again now: something has changed."""
        with self._lock:
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="luna-reaper", daemon=True)
                self._thread.start()
        self._nudged.set()

    def close(self) -> None:
        """Return when it does nothing any more."""
        with self._lock:
            self._closed = True
            thread = self._thread
        self._nudged.set()
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        seconds: float | None = None
        while True:
            self._nudged.wait(seconds)
            self._nudged.clear()
            if self._closed:
                return
            left = self._reap()
            seconds = None if left is None else min(left, _LONGEST)

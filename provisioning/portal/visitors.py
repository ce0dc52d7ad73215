"""Which phones were told that all is well, so that they stay without asking for the page again."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock


class Visitors:
    """Remembers released callers by address, because captive windows keep no cookies.

    A release is for `seconds`: an address may be another phone's tomorrow. At most `most` are
    kept, the newest ones. Safe for use by several threads.
    """

    def __init__(
        self,
        seconds: float = 900.0,
        most: int = 64,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds = seconds
        self._most = most
        self._clock = clock
        self._until: dict[str, float] = {}
        self._lock = Lock()

    def release(self, caller: str) -> None:
        """Answer this caller's probes as the internet would, from now on."""
        with self._lock:
            self._until.pop(caller, None)
            self._until[caller] = self._clock() + self._seconds
            while len(self._until) > self._most:
                del self._until[next(iter(self._until))]

    def is_released(self, caller: str) -> bool:
        """Whether the caller was released, not too long ago."""
        with self._lock:
            until = self._until.get(caller)
            return until is not None and self._clock() < until

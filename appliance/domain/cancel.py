"""How the wish to stop travels from the edge down to the engine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from appliance.errors import Cancelled, LunaError


class CancelToken:
    """Set once, from any thread; those who wait for something else are called back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reason: LunaError | None = None
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._next = 0

    @property
    def reason(self) -> LunaError | None:
        """Why the work must stop, or None while it may go on."""
        return self._reason

    def cancel(self, reason: LunaError | None = None) -> None:
        """Stop the work; the first reason stays, later calls change nothing."""
        with self._lock:
            if self._reason is not None:
                return
            self._reason = reason or Cancelled("The client closed the connection.")
            callbacks = list(self._callbacks.values())
        for callback in callbacks:
            callback()

    def check(self) -> None:
        """Raise the reason if the work must stop."""
        if self._reason is not None:
            raise self._reason

    @contextmanager
    def calling(self, callback: Callable[[], None]) -> Iterator[None]:
        """Have `callback` run when cancelled within the block, at once if it already is."""
        with self._lock:
            key, self._next = self._next, self._next + 1
            self._callbacks[key] = callback
            already = self._reason is not None
        try:
            if already:
                callback()
            yield
        finally:
            with self._lock:
                self._callbacks.pop(key, None)

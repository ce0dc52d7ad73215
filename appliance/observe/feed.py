"""News for those who listen now; nothing is kept for those who come later."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Feed(Generic[Item]):
    """Any thread may tell and listen."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[object, Callable[[Item], None]] = {}

    def listen(self, listener: Callable[[Item], None]) -> Callable[[], None]:
        """Hear of everything from now on, up to the call of what this returns.

        The listener is called in the thread that tells, so it must be quick, and must not raise.
        """
        ticket = object()
        with self._lock:
            self._listeners[ticket] = listener

        def leave() -> None:
            with self._lock:
                self._listeners.pop(ticket, None)

        return leave

    def tell(self, item: Item) -> None:
        """Call everybody who listens."""
        with self._lock:
            listeners = tuple(self._listeners.values())
        for listener in listeners:
            listener(item)

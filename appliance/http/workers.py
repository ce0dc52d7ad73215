"""The threads that answer requests."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

from appliance.http.connection import Connection


class Workers:
    """A fixed number of threads; stands in for Cheroot's pool, which cannot be stopped in time."""

    def __init__(
        self, count: int, done: Callable[[Connection, bool], None], log: logging.Logger
    ) -> None:
        self._done = done
        self._log = log
        self._queue: SimpleQueue[Connection | None] = SimpleQueue()
        # Daemons: one that is stuck in the application must not keep the process alive.
        self._threads = [
            threading.Thread(target=self._run, name=f"luna-http-{number}", daemon=True)
            for number in range(1, count + 1)
        ]

    @property
    def waiting(self) -> int:
        """Requests that no worker has taken up yet."""
        return self._queue.qsize()

    def start(self) -> None:
        """Start every thread."""
        for thread in self._threads:
            thread.start()

    def put(self, connection: Connection) -> None:
        """Have the connection's request answered; `done` is called with it after that."""
        self._queue.put(connection)

    def stop(self, grace: float) -> bool:
        """Let each thread finish what it does; True if all ended within `grace` seconds."""
        for _ in self._threads:
            self._queue.put(None)
        deadline = time.monotonic() + grace
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        while (connection := self._queue.get()) is not None:
            keep = False
            try:
                keep = connection.communicate()  # type: ignore[no-untyped-call]
            except Exception:  # outermost loop
                self._log.exception("A worker failed outside of the application")
            self._done(connection, keep)

"""NetworkManager's signals, handed to whoever listens at the moment."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from appliance.system.bus import Signal


class Feed:
    """`hear` is what the bus calls; every listener has a queue of its own."""

    def __init__(self) -> None:
        self._queues: list[asyncio.Queue[Signal]] = []

    def hear(self, signal: Signal) -> None:
        """Hand on a signal."""
        for queue in self._queues:
            queue.put_nowait(signal)

    @contextmanager
    def listening(self) -> Iterator[asyncio.Queue[Signal]]:
        """Every signal from now on."""
        queue: asyncio.Queue[Signal] = asyncio.Queue()
        self._queues.append(queue)
        try:
            yield queue
        finally:
            self._queues.remove(queue)

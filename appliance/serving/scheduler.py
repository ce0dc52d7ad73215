"""One model's slots and the bounded, fair queue before them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from appliance.domain.cancel import CancelToken
from appliance.domain.queueing import FairQueue
from appliance.errors import LunaError, QueueFull, ShuttingDown

_LONGEST_RETRY = 60  # seconds


@dataclass(frozen=True, slots=True)
class Load:
    """How busy a model is."""

    slots: int
    running: int
    waiting: int


class _Ticket:
    """A request that waits for a slot or holds one."""

    def __init__(self, cancel: CancelToken) -> None:
        self.cancel = cancel
        self.woken = threading.Event()


class Scheduler:
    """Hands out `slots` slots; up to `capacity` requests wait, each client in turn."""

    def __init__(self, slots: int, capacity: int) -> None:
        self._slots = slots
        self._queue: FairQueue[_Ticket] = FairQueue(capacity)
        self._lock = threading.Lock()
        self._running: set[_Ticket] = set()
        self._closed = False

    def load(self) -> Load:
        """The slots and the queue now."""
        with self._lock:
            return Load(self._slots, len(self._running), len(self._queue))

    @contextmanager
    def slot(self, client: str, cancel: CancelToken) -> Iterator[int]:
        """Wait for a slot and hold it; yields how many requests were ahead at arrival.

        Raises QueueFull at once, ShuttingDown, or the token's reason when cancelled in the queue.
        """
        ticket = _Ticket(cancel)
        ahead = self._enter(client, ticket)
        try:
            yield ahead
        finally:
            self._leave(ticket)

    def close(self) -> None:
        """Take no more requests, and send those that wait away."""
        with self._lock:
            self._closed = True
            while (ticket := self._queue.pop()) is not None:
                ticket.woken.set()

    def abort(self, reason: LunaError) -> None:
        """Cancel every request that holds a slot."""
        with self._lock:
            tickets = tuple(self._running)
        for ticket in tickets:
            ticket.cancel.cancel(reason)

    def _enter(self, client: str, ticket: _Ticket) -> int:
        with self._lock:
            self._check_open()
            if len(self._running) < self._slots:
                self._running.add(ticket)
                return 0
            if not self._queue.push(client, ticket):
                waits = 1 + len(self._queue) // self._slots
                raise QueueFull(
                    f"{len(self._queue)} requests wait for this model already; try again later.",
                    retry_after=min(waits, _LONGEST_RETRY),
                )
            ahead = len(self._running) + self._queue.position(client, ticket)
        with ticket.cancel.calling(ticket.woken.set):
            ticket.woken.wait()
        with self._lock:
            if ticket not in self._running:  # woken, but not by a free slot
                self._queue.remove(client, ticket)
                ticket.cancel.check()
                self._check_open()
        return ahead

    def _leave(self, ticket: _Ticket) -> None:
        """Free the slot, or hand it on: it is never free while someone waits."""
        with self._lock:
            self._running.discard(ticket)
            following = self._queue.pop()
            if following is not None:
                self._running.add(following)
                following.woken.set()

    def _check_open(self) -> None:
        if self._closed:
            raise ShuttingDown("The server is shutting down; try again in a moment.", retry_after=5)

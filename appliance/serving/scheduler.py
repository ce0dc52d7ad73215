"""One model's slots and the bounded, fair queue before them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from appliance.domain.cancel import CancelToken
from appliance.domain.queueing import FairQueue
from appliance.errors import LunaError, QueueFull

_LONGEST_RETRY = 60  # seconds
_NEWS = 5.0  # seconds between two words about the place in the queue


@dataclass(frozen=True, slots=True)
class Load:
    """How busy a model is."""

    slots: int
    running: int
    waiting: int


class _Ticket:
    """A request that waits for a slot or holds one."""

    def __init__(self, client: str, cancel: CancelToken) -> None:
        self.client = client
        self.cancel = cancel
        self.woken = threading.Event()


class Scheduler:
    """Hands out `slots` slots; up to `capacity` requests wait, each client in turn.

    Who waits is told its place every `news` seconds.
    """

    def __init__(self, slots: int, capacity: int, news: float = _NEWS) -> None:
        self._slots = slots
        self._news = news
        self._queue: FairQueue[_Ticket] = FairQueue(capacity)
        self._lock = threading.Lock()
        self._running: set[_Ticket] = set()
        self._closed: LunaError | None = None

    def load(self) -> Load:
        """The slots and the queue now."""
        with self._lock:
            return Load(self._slots, len(self._running), len(self._queue))

    @contextmanager
    def turn(self, client: str, cancel: CancelToken) -> Iterator[Iterator[int]]:
        """Queue up, or take a free slot; the slot is held once the yielded iterator has ended.

        It gives, now and then, how many requests are ahead. Raises QueueFull at once; the iterator
        raises the reason of a close, or the token's when cancelled in the queue.
        """
        ticket = _Ticket(client, cancel)
        self._enter(ticket)
        try:
            yield self._wait(ticket)
        finally:
            self._leave(ticket)

    @contextmanager
    def slot(self, client: str, cancel: CancelToken) -> Iterator[None]:
        """Wait for a slot and hold it; raises what `turn` raises."""
        with self.turn(client, cancel) as places:
            for _ in places:
                pass
            yield

    def close(self, reason: LunaError) -> None:
        """Take no more requests, and send those that wait away with the reason."""
        with self._lock:
            self._closed = reason
            while (ticket := self._queue.pop()) is not None:
                ticket.woken.set()

    def abort(self, reason: LunaError) -> None:
        """Cancel every request that holds a slot."""
        with self._lock:
            tickets = tuple(self._running)
        for ticket in tickets:
            ticket.cancel.cancel(reason)

    def _enter(self, ticket: _Ticket) -> None:
        with self._lock:
            self._check_open()
            if len(self._running) < self._slots:
                self._running.add(ticket)
            elif not self._queue.push(ticket.client, ticket):
                waits = 1 + len(self._queue) // self._slots
                raise QueueFull(
                    f"{len(self._queue)} requests wait for this model already; try again later.",
                    retry_after=min(waits, _LONGEST_RETRY),
                )

    def _wait(self, ticket: _Ticket) -> Iterator[int]:
        while (ahead := self._ahead(ticket)) is not None:
            with ticket.cancel.calling(ticket.woken.set):
                woken = ticket.woken.wait(self._news)
            if not woken:
                yield ahead

    def _ahead(self, ticket: _Ticket) -> int | None:
        """How many are before a request that waits; None for one that holds a slot."""
        with self._lock:
            if ticket in self._running:
                return None
            ticket.cancel.check()
            self._check_open()
            return len(self._running) + self._queue.position(ticket.client, ticket)

    def _leave(self, ticket: _Ticket) -> None:
        """Free the slot, or hand it on: it is never free while someone waits."""
        with self._lock:
            if self._queue.remove(ticket.client, ticket) or ticket not in self._running:
                return
            self._running.remove(ticket)
            following = self._queue.pop()
            if following is not None:
                self._running.add(following)
                following.woken.set()

    def _check_open(self) -> None:
        if self._closed is not None:
            raise self._closed

"""A clock that stands still while messages are under way, and jumps when all is quiet.

So a test that waits for minutes takes milliseconds, and a slow machine changes nothing: everything
that can happen at a moment has happened before the next moment comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
from collections.abc import Callable, Iterable

from appliance.system.bus import Bus, BusLost
from provisioning.clock import Clock

_START = 1000.0
_IDLE_TURNS = 20


class VirtualClock(Clock):
    """Give it every connection of the test; `run` turns it until it is cancelled."""

    def __init__(self) -> None:
        self._now = _START
        self._due: list[tuple[float, int, asyncio.Future[None] | asyncio.Timeout]] = []
        self._count = itertools.count()
        self._buses: list[Bus] = []
        self.held = False  # by who speaks over a connection that is not attached

    def attach(self, *buses: Bus) -> None:
        """Take part in what these connections have under way."""
        self._buses += buses

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        until: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._add(seconds, until)
        await until

    def limit(self, seconds: float | None) -> asyncio.Timeout:
        timeout = asyncio.timeout(None)
        if seconds is not None:
            self._add(seconds, timeout)
        return timeout

    def call_later(self, seconds: float, callback: Callable[[], object]) -> None:
        """Have something happen at its time."""
        then: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        then.add_done_callback(lambda _: callback())
        self._add(seconds, then)

    async def run(self) -> None:
        """Go from one deadline to the next, each when nothing is left to do before it."""
        while True:
            await asyncio.sleep(0)
            await self._quiet()
            if self._due and not self.held:
                self._now = max(self._now, self._due[0][0])
                while self._due and self._due[0][0] <= self._now:
                    self._fire(heapq.heappop(self._due)[2])

    def _add(self, seconds: float, what: asyncio.Future[None] | asyncio.Timeout) -> None:
        heapq.heappush(self._due, (self._now + seconds, next(self._count), what))

    def _fire(self, what: asyncio.Future[None] | asyncio.Timeout) -> None:
        if isinstance(what, asyncio.Timeout):
            try:
                what.reschedule(asyncio.get_running_loop().time())
            except RuntimeError:  # what it limited has ended
                return
        elif not what.done():
            what.set_result(None)

    async def _quiet(self) -> None:
        """Return when a round of pings has met no other message."""
        while True:
            alive = [bus for bus in self._buses if not bus.lost.is_set()]
            before = _sent(alive)
            for bus in alive:
                await _ping(bus)
                for _ in range(_IDLE_TURNS):
                    await asyncio.sleep(0)
            if _sent(alive) == [count + 1 for count in before]:
                return


def _sent(buses: Iterable[Bus]) -> list[int]:
    """Messages that each connection has sent so far."""
    return [bus._connection._serial for bus in buses]


async def _ping(bus: Bus) -> None:
    """A round trip to the daemon: what it was to deliver to this connection before is here."""
    if not bus.lost.is_set():
        daemon = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.Peer")
        with contextlib.suppress(BusLost):
            await bus.call(*daemon, "Ping")

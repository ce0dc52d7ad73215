"""The reception: one thread that accepts, greets and reads, so that workers only ever answer.

Whatever a client does before its request is whole (half-open connections, dripped headers and
bodies, unfinished TLS handshakes, idle keep-alive) costs a file descriptor and no worker.
"""

from __future__ import annotations

import logging
import os
import select
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

from appliance.http.census import Census
from appliance.http.connection import Connection, Phase
from appliance.http.doors import Caller, Doors
from appliance.http.intake import Arrival
from appliance.http.limits import KIB, Limits
from appliance.http.listeners import Listener
from appliance.http.refusal import Refusal
from appliance.http.websocket.client import Newcomer
from appliance.http.websocket.handler import Handler

# More than a TLS record, so that none is left behind where the epoll does not see it.
_READ = 32 * KIB
_TICK = 0.25
_FIRST_WORDS = 0.5  # seconds in which a request comes on a connection made just before a stop
_ONCE = select.EPOLLIN | select.EPOLLONESHOT


class Reception:
    """Brings whole requests to `admit` and gets their connections back through `give_back`.

    `admit` returns False if there is no room for the request; `opener` makes a connection that has
    to send its first header until the given time; `adopt` takes over connections that have become
    WebSockets. Times are in seconds of `clock`.
    """

    def __init__(
        self,
        listeners: Sequence[Listener],
        limits: Limits,
        opener: Callable[[Caller, float], Connection],
        admit: Callable[[Connection], bool],
        adopt: Callable[[Newcomer], None],
        log: logging.Logger,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits
        self._opener = opener
        self._admit = admit
        self._adopt = adopt
        self._log = log
        self._clock = clock
        self._census = Census(limits)
        self._returned: deque[tuple[Connection, bool]] = deque()
        self._epoll = select.epoll()
        self._doors = Doors(listeners, self._epoll, log)
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._next_tick = 0.0
        self._draining = self._closing = False
        self._newcomers_until = 0.0
        self._wake_lock = threading.Lock()
        self._empty = threading.Event()
        self._thread = threading.Thread(target=self._run, name="luna-http-reception", daemon=True)

    def start(self) -> None:
        """Open the doors."""
        self._next_tick = self._clock()
        self._epoll.register(self._wake, select.EPOLLIN)
        self._doors.open()
        self._thread.start()

    @property
    def connections(self) -> int:
        """How many connections there are, idle ones included."""
        return len(self._census)

    def idle_for(self) -> float:
        """Seconds since the thread last looked at everybody: never much, unless it hangs."""
        return max(0.0, self._clock() - self._next_tick)

    def give_back(self, connection: Connection, keep: bool) -> None:
        """Return a connection after its answer; called by workers."""
        self._returned.append((connection, keep))
        self._rouse()

    def drain(self, grace: float) -> bool:
        """Accept nobody, wait for the requests that have begun; True if all were answered."""
        self._newcomers_until = self._clock() + _FIRST_WORDS
        self._draining = True
        self._rouse()
        return self._empty.wait(grace)

    def cut(self) -> None:
        """End the connections that are still in work; their workers notice at the next write."""
        for connection in self._census:
            if connection.phase is Phase.WORK:
                connection.cut()

    def close(self) -> None:
        """End the thread and every connection."""
        with self._wake_lock:
            self._closing = True
            os.eventfd_write(self._wake, 1)
        if self._thread.ident is not None:
            self._thread.join()
        for connection in self._census:
            self._drop(connection)
        self._doors.shut()
        self._epoll.close()
        os.close(self._wake)

    def _rouse(self) -> None:
        # A worker that was stuck may come back after `close`, when the descriptor is another's.
        with self._wake_lock:
            if not self._closing:
                os.eventfd_write(self._wake, 1)

    # The thread: everything below runs in it.

    def _run(self) -> None:
        while not self._closing:
            try:
                self._turn()
            except Exception:  # outermost loop
                # Whoever was being attended to is dropped by its deadline.
                self._log.exception("The HTTP reception stumbled")

    def _turn(self) -> None:
        for fd, _ in self._epoll.poll(_TICK):
            if fd == self._wake:
                os.eventfd_read(self._wake)
            elif fd in self._doors:
                for caller in self._doors.callers(fd, self._clock()):
                    self._welcome(caller)
            elif connection := self._census.get(fd):
                self._attend(connection, self._advance)
        while self._returned:
            connection, keep = self._returned.popleft()
            self._census.charge(connection, 0)
            if keep and connection.upgrade:
                self._hand_over(connection, connection.upgrade)
            else:
                self._attend(connection, self._resume if keep else self._leave)
        now = self._clock()
        if now >= self._next_tick or self._draining:
            self._next_tick = now + _TICK
            self._tick(now)

    def _tick(self, now: float) -> None:
        if self._draining:
            self._doors.shut()
        else:
            self._doors.tick(now)
        for connection in self._census:
            if connection.phase is Phase.WORK:
                continue
            if connection.deadline <= now:
                self._expire(connection)
            elif self._draining and self._may_go(connection, now):
                self._dismiss(connection)
        if self._draining and not self._census:
            self._empty.set()

    def _may_go(self, connection: Connection, now: float) -> bool:
        """Whether nothing is on its way; who has just come gets a moment to say what for."""
        if connection.begun or connection.phase is Phase.LEAVING:
            return False
        return connection.phase is Phase.IDLE or now >= self._newcomers_until

    def _welcome(self, caller: Caller) -> None:
        connection = self._opener(caller, self._clock() + self._limits.header_seconds)
        self._census.add(connection)
        self._epoll.register(connection.fd, _ONCE)
        crowd = self._census.crowd(caller.host)
        if crowd is None:
            return
        oldest = self._census.expendable(crowd, connection)
        if oldest is not None:
            self._evict(oldest)
        else:
            self._refuse(connection, _busy("Too many connections are in use"))

    # Reading.

    def _attend(self, connection: Connection, step: Callable[[Connection], None]) -> None:
        """Take one step with a connection, and settle what may come of it."""
        try:
            step(connection)
        except Refusal as refusal:
            self._refuse(connection, refusal)
        except (BlockingIOError, ssl.SSLWantReadError):
            self._arm(connection)
        except ssl.SSLWantWriteError:
            self._epoll.modify(connection.fd, select.EPOLLOUT | select.EPOLLONESHOT)
        except OSError:
            self._drop(connection)

    def _arm(self, connection: Connection) -> None:
        self._epoll.modify(connection.fd, _ONCE)

    def _advance(self, connection: Connection) -> None:
        if connection.phase is Phase.WORK:
            return
        if connection.phase is Phase.GREETING and connection.greet():
            connection.phase = Phase.HEAD
        data = connection.socket.recv(_READ)
        if not data:
            self._drop(connection)
        elif connection.phase is Phase.LEAVING:
            self._arm(connection)
        else:
            self._take(connection, data)

    def _resume(self, connection: Connection) -> None:
        """Go on with a connection whose request was answered."""
        connection.arrival = None
        connection.socket.setblocking(False)
        connection.phase = Phase.IDLE
        connection.deadline = self._clock() + self._limits.idle_seconds
        if connection.intake.begun:
            self._take(connection, b"")
        else:
            self._arm(connection)

    def _hand_over(self, connection: Connection, handler: Handler) -> None:
        """Part with a connection that has become a WebSocket."""
        self._census.remove(connection)
        self._epoll.unregister(connection.fd)
        early = connection.intake.take_rest()
        self._adopt(Newcomer(connection.socket, connection.remote_addr, handler, early))

    def _take(self, connection: Connection, data: bytes) -> None:
        """Feed bytes in; pass a whole request on or wait for more."""
        intake = connection.intake
        arrival = intake.feed(data)
        size = intake.received if arrival is None else len(arrival.body.getbuffer())
        if size > connection.charge:
            self._make_room(connection, size)
        if arrival is not None:
            self._pass_on(connection, arrival)
        elif intake.head is not None:
            self._await_body(connection)
        elif intake.begun and connection.phase is Phase.IDLE:
            connection.phase = Phase.HEAD
            connection.deadline = self._clock() + self._limits.header_seconds
            self._arm(connection)
        else:
            self._arm(connection)

    def _await_body(self, connection: Connection) -> None:
        intake, limits, now = connection.intake, self._limits, self._clock()
        if connection.phase is not Phase.BODY:
            connection.phase = Phase.BODY
            connection.body_started = now
            if intake.head is not None and intake.head.expects_continue:
                connection.say(b"HTTP/1.1 100 Continue\r\n\r\n")
        allowed = limits.body_seconds + intake.received / limits.body_rate
        connection.deadline = connection.body_started + allowed
        self._arm(connection)

    def _make_room(self, connection: Connection, size: int) -> None:
        """Charge a body's bytes; over the limit the largest unfinished body gives way."""
        self._census.charge(connection, size)
        while self._census.held > self._limits.buffered_bytes:
            heaviest = self._census.heaviest(connection)
            refusal = _busy("The server holds as many request bodies as its memory allows")
            if heaviest is connection:
                raise refusal
            self._refuse(heaviest, refusal)

    def _pass_on(self, connection: Connection, arrival: Arrival) -> None:
        connection.arrival = arrival
        connection.phase = Phase.WORK
        connection.socket.settimeout(self._limits.send_seconds)
        if not self._admit(connection):
            connection.socket.setblocking(False)
            raise _busy("All workers are busy")

    # Ending.

    def _refuse(self, connection: Connection, refusal: Refusal) -> None:
        self._log.debug("Refused %s: %s", connection.remote_addr, refusal.message)
        connection.say(refusal.render())
        self._leave(connection)

    def _leave(self, connection: Connection) -> None:
        """Close our side and read on a little, as an early close would take the answer back."""
        self._census.charge(connection, 0)
        if connection.phase is Phase.GREETING or connection.wfile.broken:
            self._drop(connection)
            return
        connection.socket.setblocking(False)
        connection.hang_up()
        connection.intake.clear()
        connection.arrival = None
        connection.phase = Phase.LEAVING
        connection.deadline = self._clock() + self._limits.linger_seconds
        self._arm(connection)

    def _expire(self, connection: Connection) -> None:
        if connection.begun:
            self._refuse(
                connection,
                Refusal(
                    408, "request_timeout", "The request took too long to arrive; send it again."
                ),
            )
        else:
            self._dismiss(connection)

    def _evict(self, connection: Connection) -> None:
        if connection.begun:
            connection.say(_busy("Newer connections need the room").render())
        self._drop(connection)

    def _dismiss(self, connection: Connection) -> None:
        """End a connection on which nothing is on its way."""
        if connection.phase is not Phase.GREETING:
            connection.hang_up()
        self._drop(connection)

    def _drop(self, connection: Connection) -> None:
        self._census.remove(connection)
        with suppress(OSError):
            connection.close()


def _busy(reason: str) -> Refusal:
    return Refusal(503, "overloaded", f"{reason}; try again in a moment.", retry_after=1)

"""One WebSocket client: its socket, what is said on it, and how it ends."""

from __future__ import annotations

import select
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from appliance.http.limits import KIB
from appliance.http.websocket.deadlines import Deadlines
from appliance.http.websocket.handler import Handler
from appliance.http.websocket.limits import SocketLimits
from appliance.http.websocket.outbox import Outbox
from appliance.http.websocket.wire import Wire, text_frame
from appliance.observe.sockets import SocketCounts

_READ = 64 * KIB  # more than a TLS record, so that none is left where the epoll does not see it
_WRITE = 64 * KIB
_KERNEL_BYTES = 128 * KIB  # a reader that stands still may fill this, and then its own queue
_WOULD_WAIT = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class ClientGone(Exception):
    """The connection is of no more use."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A connection whose handshake is done; `early` came behind that; `host` "" is this machine."""

    socket: socket.socket
    host: str
    handler: Handler
    early: bytes = b""


@dataclass(frozen=True, slots=True)
class _Farewell:
    """Why it ends; what is still in the queue goes out first, unless it is `abrupt`."""

    code: int
    reason: str
    abrupt: bool = False


class Client:
    """A `Socket` for its handler; all but `send` and `close` is for the hub's thread.

    `rouse` has the hub call `work`. Methods that read or write raise ClientGone.
    """

    def __init__(
        self,
        newcomer: Newcomer,
        limits: SocketLimits,
        counts: SocketCounts,
        rouse: Callable[[Client], None],
        now: float,
    ) -> None:
        self.host = newcomer.host
        self.fd = newcomer.socket.fileno()
        self._socket = newcomer.socket
        self._handler = newcomer.handler
        self._counts = counts
        self._rouse = rouse
        self._wire = Wire(limits.message_bytes)
        self._deadlines = Deadlines(limits, now)
        self._lock = threading.Lock()  # guards the next two
        self._outbox = Outbox(limits.queue_bytes)
        self._farewell: _Farewell | None = None
        self._rest = memoryview(b"")  # of what is being sent
        self._blocked = self._parting = self._shut = False
        self._told = True  # that it is over; it has not begun for the handler
        newcomer.socket.setblocking(False)
        with suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BYTES)

    # From any thread.

    def send(self, text: str) -> None:
        """Put a text message into the queue."""
        frame = text_frame(text)
        with self._lock:
            if self._farewell is None:
                self._put(frame)
        self._rouse(self)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """End it after what is in the queue."""
        self._end(_Farewell(code, reason))
        self._rouse(self)

    # From the hub's thread.

    @property
    def interest(self) -> int:
        """What the epoll is to report."""
        return select.EPOLLIN | (select.EPOLLOUT if self._blocked else 0)

    @property
    def held(self) -> int:
        """Bytes in memory, both ways."""
        return self._wire.held + self._outbox.held + len(self._rest)

    @property
    def code(self) -> int:
        """The code that it was closed with; 1006 where it was not closed but lost."""
        return self._farewell.code if self._farewell else 1006

    def open(self, early: bytes, now: float) -> None:
        """Begin, unless it is over already."""
        if self._farewell is None:
            self._told = False
            self._handler.on_open(self)
        self._hear(early, now)
        self.work(now)

    def read(self, now: float) -> None:
        """Take in what has come."""
        try:
            data = self._socket.recv(_READ)
        except _WOULD_WAIT:
            return
        except OSError as problem:
            raise ClientGone from problem
        if not data:
            raise ClientGone
        self._hear(data, now)

    def work(self, now: float) -> None:
        """Send what can be sent, and go on with closing."""
        self._settle(now)
        while self._rest or self._refill():
            try:
                count = self._socket.send(self._rest)
            except _WOULD_WAIT:
                self._blocked = True
                self._deadlines.sent(now, stuck=True)
                return
            except OSError as problem:
                raise ClientGone from problem
            self._rest = self._rest[count:]
            self._deadlines.sent(now, stuck=False)
            if not self._rest:
                self._settle(now)
        self._blocked = False
        if self._wire.ended and not self._shut:
            self._shut = True
            _shut_down(self._socket)

    def tick(self, now: float) -> None:
        """Mind the deadlines."""
        if self._deadlines.is_over(now):
            raise ClientGone
        if self._parting:
            return
        if (fault := self._deadlines.fault(now)) is not None:
            self.end(*fault)
        elif self._deadlines.wants_ping(now):
            self._wire.ping()
        elif self._farewell is None:
            return
        self.work(now)

    def end(self, code: int, reason: str) -> None:
        """End it now; what is in the queue is lost."""
        self._end(_Farewell(code, reason, abrupt=True))

    def forget(self) -> None:
        """Give the socket back, and tell the handler if it does not know."""
        self.end(1006, "")
        self._socket.close()
        self._tell()

    def _hear(self, data: bytes, now: float) -> None:
        texts = self._wire.feed(data)
        self._counts.received += len(texts)
        self._deadlines.heard(now, len(texts), midway=self._wire.is_midway)
        if self._deadlines.flooded:
            self.end(1008, "Send less: there were too many messages.")
        for text in texts:
            if self._farewell is None:
                self._handler.on_text(text)

    def _settle(self, now: float) -> None:
        """Put control frames and the end, whoever wished it, into the queue."""
        with self._lock:
            if self._farewell is None and not self._wire.is_open:
                self._farewell = _Farewell(self._wire.code, "", abrupt=True)
            farewell = self._farewell
            if farewell is not None and not self._parting:
                self._part(farewell)
            if control := self._wire.outgoing():
                self._put(control)
        if not self._wire.is_open:
            self._deadlines.parted(now)
        if farewell is not None:
            self._tell()

    def _part(self, farewell: _Farewell) -> None:
        """Close our side of the conversation as soon as it is time to; the lock is held."""
        if farewell.abrupt:
            self._outbox.clear()
            self._wire.fail(farewell.code, farewell.reason)
        elif not self._outbox:
            self._wire.close(farewell.code, farewell.reason)
        self._parting = not self._outbox

    def _put(self, frame: bytes) -> None:
        """Queue a frame; the lock is held. Who lets too much wait is too slow."""
        if not self._outbox.put(frame) and self._farewell is None:
            reason = "Read faster: too much was waiting to be sent."
            self._farewell = _Farewell(1008, reason, abrupt=True)

    def _refill(self) -> bool:
        """Take the next bytes from the queue; False if there are none."""
        with self._lock:
            frames = self._outbox.take(_WRITE)
        self._counts.sent += len(frames)
        self._rest = memoryview(b"".join(frames))
        return bool(frames)

    def _end(self, farewell: _Farewell) -> None:
        with self._lock:
            if self._farewell is None:
                self._farewell = farewell

    def _tell(self) -> None:
        if not self._told:
            self._told = True
            self._handler.on_close()


def _shut_down(sock: socket.socket) -> None:
    """Close our side; bytes of the client's are read on, as an early close would take ours back."""
    with suppress(OSError, ValueError):
        if isinstance(sock, ssl.SSLSocket):
            sock.unwrap()
    with suppress(OSError):
        sock.shutdown(socket.SHUT_WR)

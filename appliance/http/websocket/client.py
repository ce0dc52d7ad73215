"""One WebSocket client: its socket, what waits to be sent to it, and its deadlines."""

from __future__ import annotations

import select
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from appliance.http.limits import KIB
from appliance.http.websocket.handler import Handler
from appliance.http.websocket.limits import SocketLimits
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
        self._limits = limits
        self._counts = counts
        self._rouse = rouse
        self._wire = Wire(limits.message_bytes)
        self._lock = threading.Lock()
        self._queue: deque[bytes] = deque()
        self._queued = 0
        self._farewell: _Farewell | None = None
        self._rest = memoryview(b"")  # of what is being sent
        self._heard = self._moved = now
        self._begun: float | None = None  # when an unfinished message began to arrive
        self._blocked = self._pinged = self._parting = self._shut = False
        self._told = True  # that it is over; it has not begun for the handler
        self._deadline: float | None = None
        newcomer.socket.setblocking(False)
        with suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BYTES)

    # From any thread.

    def send(self, text: str) -> None:
        """Put a text message into the queue."""
        self.send_frame(text_frame(text))

    def send_frame(self, frame: bytes) -> None:
        """Put the bytes of a message into the queue; many clients may share them."""
        with self._lock:
            if self._farewell is None:
                self._push(frame)
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
        return self._wire.held + self._queued + len(self._rest)

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
        self._heard, self._pinged = now, False
        self._hear(data, now)

    def work(self, now: float) -> None:
        """Send what can be sent, and go on with closing."""
        self._settle(now)
        while self._rest or self._refill():
            try:
                count = self._socket.send(self._rest)
            except _WOULD_WAIT:
                if not self._blocked:
                    self._blocked, self._moved = True, now
                return
            except OSError as problem:
                raise ClientGone from problem
            self._rest, self._moved = self._rest[count:], now
            if not self._rest:
                self._settle(now)
        self._blocked = False
        if self._wire.ended and not self._shut:
            self._shut = True
            _shut_down(self._socket)

    def tick(self, now: float) -> None:
        """Mind the deadlines."""
        limits = self._limits
        if self._deadline is not None:
            if now >= self._deadline:
                raise ClientGone
        elif self._blocked and now - self._moved > limits.queue_seconds:
            self.end(1008, "Read faster: nothing of what was waiting could be sent.")
        elif self._begun is not None and now - self._begun > limits.message_seconds:
            self.end(1008, "Send faster: a message was begun and not ended.")
        elif now - self._heard > limits.silent_seconds:
            self.end(1011, "There was no sign of life.")
        elif now - self._heard > limits.ping_seconds and not self._pinged:
            self._pinged = True
            self._wire.ping()
        self.work(now)

    def end(self, code: int, reason: str) -> None:
        """End it now; what is in the queue is lost."""
        self._end(_Farewell(code, reason, abrupt=True))

    def forget(self) -> None:
        """Give the socket back, and tell the handler if it does not know."""
        self._end(_Farewell(1006, "", abrupt=True))
        self._socket.close()
        self._tell()

    def _hear(self, data: bytes, now: float) -> None:
        texts = self._wire.feed(data)
        self._counts.received += len(texts)
        if texts:
            self._begun = None
        if self._wire.is_midway and self._begun is None:
            self._begun = now
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
                self._push(control)
        if self._deadline is None and not self._wire.is_open:
            self._deadline = now + self._limits.close_seconds
        if farewell is not None:
            self._tell()

    def _part(self, farewell: _Farewell) -> None:
        """Close our side of the conversation as soon as it is time to; the lock is held."""
        if farewell.abrupt:
            self._queue.clear()
            self._queued = 0
            self._wire.fail(farewell.code, farewell.reason)
        elif not self._queue:
            self._wire.close(farewell.code, farewell.reason)
        self._parting = not self._queue

    def _push(self, frame: bytes) -> None:
        """Append to the queue, whose lock is held; over its limit the client is too slow."""
        if self._queued and self._queued + len(frame) > self._limits.queue_bytes:
            if self._farewell is None:
                reason = "Read faster: too much was waiting to be sent."
                self._farewell = _Farewell(1008, reason, abrupt=True)
            return
        self._queue.append(frame)
        self._queued += len(frame)

    def _refill(self) -> bool:
        """Take the next bytes from the queue; False if there are none."""
        frames, size = [], 0
        with self._lock:
            while self._queue and size < _WRITE:
                frames.append(self._queue.popleft())
                size += len(frames[-1])
            self._queued -= size
        self._counts.sent += len(frames)
        self._rest = memoryview(b"".join(frames))
        return size > 0

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

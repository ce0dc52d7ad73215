"""One WebSocket client: its socket, what waits to be sent to it, and its deadlines."""

from __future__ import annotations

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

_READ = 64 * KIB
_WRITE = 64 * KIB
_KERNEL_BYTES = 128 * KIB  # a reader that stands still may fill this, and then its own queue
_WOULD_WAIT = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A connection whose handshake is done; `early` is what came behind it, `host` "" is local."""

    socket: socket.socket
    host: str
    handler: Handler
    early: bytes = b""


class Client:
    """A `Socket` for its handler; all but `send` and `close` are for the hub's thread.

    `rouse` has the hub look after the client, whenever something is to be sent.
    """

    def __init__(
        self,
        newcomer: Newcomer,
        limits: SocketLimits,
        rouse: Callable[[Client], None],
        now: float,
    ) -> None:
        self.host = newcomer.host
        self.socket = newcomer.socket
        self.fd = newcomer.socket.fileno()
        self.handler = newcomer.handler
        self._limits = limits
        self._rouse = rouse
        self._wire = Wire(limits.message_bytes)
        self._lock = threading.Lock()
        self._queue: deque[bytes] = deque()
        self._queued = 0
        self._farewell: tuple[int, str] | None = None
        self._rest = memoryview(b"")  # of what is being sent
        self._heard = self._moved = now
        self._begun: float | None = None  # when an unfinished message began
        self._asked = False
        self._deadline: float | None = None
        self._half_closed = False
        self.told = False
        """Whether the handler knows that it is over."""
        self.sent = 0
        """Messages that have been handed to the kernel since this was last set to 0."""
        newcomer.socket.setblocking(False)
        with suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BYTES)

    # From any thread.

    def send(self, text: str) -> None:
        """Put a text message into the queue."""
        self.send_frame(text_frame(text))

    def send_frame(self, frame: bytes) -> None:
        """Put the bytes of a message into the queue, which many clients may share."""
        with self._lock:
            if self._farewell is not None:
                return
            self._queue.append(frame)
            self._queued += len(frame)
            if self._queued > self._limits.queue_bytes:
                self._farewell = (1008, "Read faster: too much was waiting to be sent.")
        self._rouse(self)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """End it after what is in the queue."""
        with self._lock:
            if self._farewell is None:
                self._farewell = (code, reason)
        self._rouse(self)

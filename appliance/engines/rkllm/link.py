"""One run, seen from the API: an order on a connection of its own, and what comes back."""

from __future__ import annotations

import socket
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.engines.rkllm.wire import (
    Decoder,
    Ended,
    Failed,
    Message,
    Order,
    Rows,
    Said,
    encode,
)
from appliance.errors import EngineTimeout

_READ_BYTES = 65536
_TICK = 0.2  # seconds between looks at the clock while nothing comes


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: the longest silences before the first message and between two, and for an abort.

    The runtime sees an abort between tokens, but not while it reads the prompt: until
    `abort_prompt` seconds after the beginning an abort is given that time too.
    """

    first: float
    stall: float
    abort: float
    abort_prompt: float = 0.0


class Broken(Exception):
    """The connection ended before the run did: the process is gone, or about to be."""


class Hung(Exception):
    """The run did not end though it was asked to, and had its time."""


class Link:
    """A run under way. `abort` may be called by any thread, the rest by one.

    Iterating yields what the run says, and ends after `Ended` or `Failed`. Raises Broken,
    EngineTimeout (after which the run was aborted), Hung.
    """

    def __init__(self, path: Path, order: Order, limits: Limits) -> None:
        self._limits = limits
        self._decoder: Decoder[Message] = Decoder(Message)
        self._began = time.monotonic()
        self._deadline = self._began + limits.first
        self._abort_deadline: float | None = None
        self._spoke = False
        self._unread: deque[Message] = deque()
        self.over = False
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(_TICK)
            self._socket.connect(str(path))
            self._socket.sendall(encode(order))
        except OSError as error:
            self._socket.close()
            raise Broken from error

    def abort(self) -> None:
        """Have the run end soon; a second time changes nothing."""
        if self._abort_deadline is not None or self.over:
            return
        reading = 0.0 if self._spoke else self._limits.abort_prompt
        self._abort_deadline = max(time.monotonic(), self._began + reading) + self._limits.abort
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            return  # the other side is gone: the reader finds out

    def __iter__(self) -> Iterator[Said | Rows | Ended | Failed]:
        while not self.over:
            while not self._unread:
                self._unread += self._decoder.feed(self._receive())
            message = self._next()
            self.over = isinstance(message, Ended | Failed)
            yield message

    def settle(self) -> None:
        """Abort the run if it is not over, and wait for its end; raises Hung, Broken."""
        self.abort()
        for _ in self:
            pass

    def close(self) -> None:
        """Close the connection; a run that is not over is left to itself."""
        self._socket.close()

    def _next(self) -> Message:
        """One message; what was said since the last one is told in one piece."""
        message = self._unread.popleft()
        if not isinstance(message, Said):
            return message
        tokens, text = [*message.tokens], [message.text]
        while self._unread and isinstance(more := self._unread[0], Said):
            tokens += more.tokens
            text.append(more.text)
            self._unread.popleft()
        return Said(tuple(tokens), b"".join(text))

    def _receive(self) -> bytes:
        while True:
            try:
                data = self._socket.recv(_READ_BYTES)
            except TimeoutError:
                self._check_time()
                continue
            except OSError as error:
                raise Broken from error
            if not data:
                raise Broken
            self._spoke = True
            self._check_abort()
            self._deadline = time.monotonic() + self._limits.stall
            return data

    def _check_abort(self) -> None:
        if self._abort_deadline is not None and time.monotonic() > self._abort_deadline:
            raise Hung

    def _check_time(self) -> None:
        self._check_abort()
        if self._abort_deadline is not None or time.monotonic() <= self._deadline:
            return
        self._spoke = True  # it has had its time for the prompt
        self.abort()
        raise EngineTimeout(
            "The NPU gave no sign of life for too long; send a shorter prompt, or raise "
            "queue.stall_seconds."
        )

"""A WebSocket lives for days: whether its client may be there is asked again and again."""

from __future__ import annotations

import time
from collections.abc import Callable

from appliance.errors import LunaError
from appliance.http.websocket.handler import Handler, Socket

EVERY = 5.0
"""Seconds between two looks, as long as something is said."""
_REASON = "You may not use this any more; connect again with an API key that may."


class Guarded:
    """Wraps a handler; `again` raises a LunaError when its client would no longer be let in.

    Then nothing goes through any more, either way, and the socket is closed with 1008. `clock` is
    monotonic.
    """

    _socket: _Watched

    def __init__(
        self,
        handler: Handler,
        again: Callable[[], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._handler = handler
        self._again = again
        self._clock = clock

    def on_open(self, socket: Socket) -> None:
        """The client has just been let in."""
        self._socket = _Watched(socket, self._again, self._clock)
        self._handler.on_open(self._socket)

    def on_text(self, text: str) -> None:
        """Pass it on."""
        if self._socket.is_welcome():
            self._handler.on_text(text)

    def on_close(self) -> None:
        """Pass it on."""
        self._handler.on_close()


class _Watched:
    """The socket as the handler has it."""

    def __init__(
        self, socket: Socket, again: Callable[[], object], clock: Callable[[], float]
    ) -> None:
        self._socket = socket
        self._again = again
        self._clock = clock
        self._welcome = True
        self._look_at = clock() + EVERY

    def send(self, text: str) -> None:
        if self.is_welcome():
            self._socket.send(text)

    def close(self, code: int = 1000, reason: str = "") -> None:
        self._socket.close(code, reason)

    def is_welcome(self) -> bool:
        """Whether the client may still be there, as far as was looked; closes if not."""
        if self._welcome and self._clock() >= self._look_at:
            self._look_at = self._clock() + EVERY
            try:
                self._again()
            except LunaError:
                self._welcome = False
                self._socket.close(1008, _REASON)
        return self._welcome

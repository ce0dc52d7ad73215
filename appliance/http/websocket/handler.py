"""What a WebSocket is to those who talk over it."""

from __future__ import annotations

from typing import Protocol


class Socket(Protocol):
    """One client; may be used from any thread, and to no effect once it has gone."""

    def send(self, text: str) -> None:
        """Put a text message into the client's queue, which is bounded: never waits."""

    def close(self, code: int = 1000, reason: str = "") -> None:
        """End it after what is in the queue, with a code of RFC 6455 7.4."""


class Handler(Protocol):
    """Serves one client. One thread calls these for all clients, so they must never wait."""

    def on_open(self, socket: Socket) -> None:
        """The client is there."""

    def on_text(self, text: str) -> None:
        """A whole message has come."""

    def on_close(self) -> None:
        """Nothing more comes, and nothing that is sent arrives; called once after `on_open`."""

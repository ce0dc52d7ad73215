"""What WebSocket clients are granted: sizes in bytes, times in seconds."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.http.limits import KIB, MIB


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """The bounds of all sockets of one server; the defaults suit a board with 4 GiB."""

    clients: int = 768
    """Sockets at one time; the next one is closed with 1013."""

    clients_per_address: int = 256
    """Sockets at one time from one IP address; Unix sockets are not counted."""

    message_bytes: int = 256 * KIB
    """The longest message from a client, its fragments together; a longer one closes with 1009."""

    messages: int = 1000
    """How many may come from one client in ten seconds; more close with 1008."""

    message_seconds: float = 30.0
    """From a message's first byte to its last."""

    queue_bytes: int = 512 * KIB
    """What may wait to be sent to one client; more closes with 1008, as does a stand-still."""

    queue_seconds: float = 30.0
    """How long a client may take nothing of what waits for it."""

    held_bytes: int = 64 * MIB
    """What all clients may hold in memory together; then those with most are closed with 1013."""

    ping_seconds: float = 20.0
    """The silence after which a client is asked for a sign of life."""

    silent_seconds: float = 50.0
    """The silence after which a client is closed with 1011."""

    close_seconds: float = 3.0
    """How long a client may take to close its side after we have closed ours."""

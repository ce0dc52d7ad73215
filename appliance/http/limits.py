"""What one HTTP server grants its clients: sizes in bytes, times in seconds."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of a server; the defaults suit a board with 4 GiB in a home network."""

    workers: int = 96
    """Threads that answer requests; a streamed answer holds one from its start to its end."""

    waiting: int = 256
    """Whole requests that may wait for a worker; the next one is answered 503."""

    backlog: int = 128
    """Connections that the kernel holds before they are accepted."""

    target_bytes: int = 8 * KIB
    """The longest request line (method, target and version); a longer one is answered 414."""

    header_bytes: int = 32 * KIB
    """The request line and all header fields together; more is answered 431."""

    header_fields: int = 100
    """The number of header fields; more are answered 431."""

    body_bytes: int = 32 * MIB
    """The longest request body, after chunks are joined; a longer one is answered 413."""

    buffered_bytes: int = 256 * MIB
    """All request bodies in memory, from their first byte until their request is answered."""

    header_seconds: float = 10.0
    """From accept, or a later request's first byte, to the header's end; TLS handshake included."""

    body_seconds: float = 30.0
    """What a body may take on top of the time its bytes need at `body_rate`."""

    body_rate: int = 16 * KIB
    """The slowest upload, in bytes per second, that is waited for after `body_seconds`."""

    send_seconds: float = 30.0
    """How long a reader may leave 64 KiB of an answer unread before it is dropped."""

    idle_seconds: float = 60.0
    """How long a connection is kept for its next request."""

    linger_seconds: float = 2.0
    """How long a closed connection is read, so that the client gets the last answer whole."""

    connections: int = 1024
    """Connections at one time, idle ones included."""

    connections_per_address: int = 256
    """Connections at one time from one IP address; Unix sockets are not counted."""

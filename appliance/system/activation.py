"""Sockets that systemd opened for this process (sd_listen_fds(3))."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

from appliance.errors import ConfigError

_FIRST = 3
_FAMILIES = (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX)


def inherited(environ: Mapping[str, str], pid: int | None = None) -> list[socket.socket]:
    """The listening sockets in the order of their unit; none if they are for another process.

    Raises ConfigError for descriptors that do not listen for streams.
    """
    if environ.get("LISTEN_PID") != str(pid or os.getpid()):
        return []
    count = environ.get("LISTEN_FDS", "")
    if not count.isdecimal():
        raise ConfigError(
            f"LISTEN_FDS must be a number, not {count!r}; start this from its socket unit."
        )
    return [_adopt(_FIRST + number) for number in range(int(count))]


def _adopt(descriptor: int) -> socket.socket:
    try:
        sock = socket.socket(fileno=descriptor)
    except OSError as problem:
        raise ConfigError(
            f"Inherited file descriptor {descriptor} is not a socket; check the socket unit."
        ) from problem
    sock.set_inheritable(False)
    listening = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    if sock.family not in _FAMILIES or sock.type != socket.SOCK_STREAM or not listening:
        sock.close()
        raise ConfigError(
            f"Inherited file descriptor {descriptor} does not listen for streams; "
            "use ListenStream= with Accept=no in the socket unit."
        )
    return sock

"""Sockets that systemd opened for this process (sd_listen_fds(3))."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

from appliance.errors import ConfigError

_FIRST = 3


def inherited(environ: Mapping[str, str], pid: int | None = None) -> list[socket.socket]:
    """The listening sockets in the order of their unit; none if they are for another process.

    Raises ConfigError for descriptors that are not sockets.
    """
    if environ.get("LISTEN_PID") != str(pid or os.getpid()):
        return []
    count = environ.get("LISTEN_FDS", "")
    try:
        found = [socket.socket(fileno=_FIRST + number) for number in range(int(count))]
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"LISTEN_FDS={count} does not count sockets ({error}); start this from its socket unit."
        ) from error
    for each in found:
        each.set_inheritable(False)
    return found

"""Words to the service manager: ready, stopping, still alive (sd_notify(3))."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping


def notify(state: str, environ: Mapping[str, str]) -> bool:
    """Send a state like `READY=1`, several of them on lines; whether a service manager got it.

    Never raises: a service that cannot report still serves.
    """
    address = environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False  # not under systemd, or a vsock: address, which only machines' PID 1 get
    if address.startswith("@"):
        address = "\0" + address[1:]  # the abstract namespace, unix(7)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        try:
            sender.sendto(state.encode(), address)
        except OSError:
            return False
    return True


def watchdog_interval(environ: Mapping[str, str], pid: int | None = None) -> float | None:
    """Seconds between two `WATCHDOG=1`: half of what systemd allows (sd_watchdog_enabled(3)).

    None when no watchdog waits for process `pid`, this one by default.
    """
    own = str(os.getpid() if pid is None else pid)
    if environ.get("WATCHDOG_PID", own) != own:
        return None
    microseconds = environ.get("WATCHDOG_USEC", "")
    if not (microseconds.isascii() and microseconds.isdecimal()) or int(microseconds) == 0:
        return None
    return int(microseconds) / 2_000_000

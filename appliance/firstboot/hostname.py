"""The machine's own host name, set where nobody has chosen one."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

from appliance.system import bus
from appliance.system.files import write_durably

_UNCHOSEN = frozenset({"", "(none)", "localhost", "localhost.localdomain", "luna", "debian"})
_HOSTNAMED = ("org.freedesktop.hostname1", "/org/freedesktop/hostname1")

SetName = Callable[[str], None]


def set_host_name(
    name: str, file: Path = Path("/etc/hostname"), address: str | None = None
) -> None:
    """Have systemd-hostnamed keep `name`. Raises BusError or OSError.

    It replaces the file, which cannot be done on a read-only root: there the file is a link to a
    place that can be written to, and the service is told that the name has changed.
    """
    member = "SetStaticHostname"
    if file.is_symlink():
        write_durably(file.resolve(), f"{name}\n".encode())
        member = "SetHostname"

    async def tell() -> None:
        connection = await bus.connect(address)
        try:
            where = (*_HOSTNAMED, "org.freedesktop.hostname1")
            await connection.call(*where, member, "sb", name, False)
        finally:
            await connection.close()

    asyncio.run(tell())


def is_unchosen(name: str | None = None) -> bool:
    """Whether a host name, by default this machine's, is one that a fresh system has."""
    return (socket.gethostname() if name is None else name).lower() in _UNCHOSEN

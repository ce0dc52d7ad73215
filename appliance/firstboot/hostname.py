"""The machine's own host name, set where nobody has chosen one."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from appliance.system import bus

_UNCHOSEN = frozenset({"", "(none)", "localhost", "localhost.localdomain", "luna", "debian"})
_HOSTNAMED = ("org.freedesktop.hostname1", "/org/freedesktop/hostname1")

SetName = Callable[[str], None]


def set_host_name(name: str) -> None:
    """Have systemd-hostnamed keep `name`. Raises BusError."""

    async def tell() -> None:
        connection = await bus.connect()
        try:
            where = (*_HOSTNAMED, "org.freedesktop.hostname1")
            await connection.call(*where, "SetStaticHostname", "sb", name, False)
        finally:
            await connection.close()

    asyncio.run(tell())


def is_unchosen(name: str | None = None) -> bool:
    """Whether a host name, by default this machine's, is one that a fresh system has."""
    return (socket.gethostname() if name is None else name).lower() in _UNCHOSEN

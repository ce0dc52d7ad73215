"""dbus-next's connection, without its leaks and without the loop that it can hang in."""

from __future__ import annotations

import asyncio
import logging

from dbus_next.aio.message_bus import MessageBus
from dbus_next.auth import AuthExternal
from dbus_next.constants import BusType

_log = logging.getLogger(__name__)


class Connection(MessageBus):
    """A socket to a bus; created inside a running loop. `address` None means the system bus."""

    def __init__(self, address: str | None) -> None:
        external = AuthExternal()  # type: ignore[no-untyped-call]
        super().__init__(address, BusType.SYSTEM, external)  # type: ignore[arg-type]
        self.ended: asyncio.Future[None] = self._disconnect_future
        self.ended.add_done_callback(lambda future: future.exception())  # it is looked at

    def _setup_socket(self) -> None:
        """Leave no socket open when the bus is not there."""
        try:
            super()._setup_socket()  # type: ignore[no-untyped-call]
        except (OSError, ValueError):
            if hasattr(self, "_sock"):  # the address was good enough for one
                self._close()
            raise

    async def _auth_readline(self) -> str:
        """dbus-next spins for ever, without a chance for others, on a bus that hangs up here."""
        line = b""
        while not line.endswith(b"\r\n"):
            more = await self._loop.sock_recv(self._sock, 1)
            if not more:
                raise EOFError("it hung up")
            line += more
        return line[:-2].decode("ascii", "replace")

    def shut(self) -> None:
        """Close at once, whatever state it is in."""
        self._user_disconnect = True
        if self._fd >= 0:
            self._finalize()  # type: ignore[no-untyped-call]
            self._close()

    def _close(self) -> None:
        try:
            self._stream.close()
        except OSError:  # what was still buffered cannot be sent any more
            _log.debug("the bus was gone before the last message")
        self._sock.close()
        self._fd = -1

"""The listening sockets of one epoll, and the callers who come through them."""

from __future__ import annotations

import errno
import logging
import select
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from appliance.http.listeners import Listener

_ACCEPTS_PER_TURN = 64
_BREATHER_SECONDS = 0.5
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


@dataclass(frozen=True, slots=True)
class Caller:
    """An accepted connection; host and port are "" and 0 on a Unix socket."""

    socket: socket.socket
    host: str
    port: int
    listener: Listener


class Doors:
    """Accepts without blocking; owns its listeners and closes them when it is shut."""

    def __init__(
        self, listeners: Sequence[Listener], epoll: select.epoll, log: logging.Logger
    ) -> None:
        self._listeners = {listener.socket.fileno(): listener for listener in listeners}
        self._epoll = epoll
        self._log = log
        self._reopen_at: float | None = None

    def __contains__(self, fd: int) -> bool:
        return fd in self._listeners

    def open(self) -> None:
        """Have the epoll report callers."""
        for fd, listener in self._listeners.items():
            listener.socket.setblocking(False)
            self._epoll.register(fd, select.EPOLLIN)

    def callers(self, fd: int, now: float) -> Iterator[Caller]:
        """Those who wait at one door; many may be left for the epoll's next report."""
        listener = self._listeners[fd]
        for _ in range(_ACCEPTS_PER_TURN):
            try:
                sock, peer = listener.socket.accept()
            except BlockingIOError:
                return
            except OSError as problem:
                if problem.errno in _EXHAUSTED:
                    self._take_a_breather(problem, now)
                    return
                # accept(2): other errors belong to the one connection that just failed.
                continue
            sock.setblocking(False)
            # A Unix peer has no name; an IPv4 one looks like this on a socket for both families.
            host, port = (peer[0], peer[1]) if isinstance(peer, tuple) else ("", 0)
            yield Caller(sock, host.removeprefix("::ffff:"), port, listener)

    def tick(self, now: float) -> None:
        """Open again after a pause."""
        if self._reopen_at is not None and now >= self._reopen_at:
            self._reopen_at = None
            self._listen_for(select.EPOLLIN)

    def shut(self) -> None:
        """Stop listening."""
        self._reopen_at = None
        for listener in self._listeners.values():
            listener.socket.close()
        self._listeners = {}

    def _take_a_breather(self, problem: OSError, now: float) -> None:
        """The callers stay in the kernel's backlog; asking again at once would spin."""
        self._log.warning(
            "Cannot accept connections for now: %s; raise the limit of open files.",
            problem.strerror,
        )
        self._reopen_at = now + _BREATHER_SECONDS
        self._listen_for(0)

    def _listen_for(self, events: int) -> None:
        for fd in self._listeners:
            self._epoll.modify(fd, events)

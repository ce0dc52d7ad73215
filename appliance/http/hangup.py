"""Notices that a client has gone while nothing is written to it, as during a long prefill."""

from __future__ import annotations

import logging
import os
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_GONE = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR


@dataclass(slots=True)
class _Watch:
    """One watched socket and what to do when its peer goes."""

    sock: socket.socket
    callback: Callable[[], object]
    lock: threading.Lock = field(default_factory=threading.Lock)
    over: bool = False


class HangupWatch:
    """One daemon thread that watches any number of sockets without reading from them.

    A peer that closes only its sending side (a half-close) counts as gone: on the wire it cannot be
    told from one that left.
    """

    def __init__(self, log: logging.Logger | None = None) -> None:
        self._log = log or logging.getLogger(__name__)
        self._watches: dict[int, _Watch] = {}
        self._epoll = select.epoll()
        self._thread = threading.Thread(target=self._run, name="luna-http-hangup", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._wake, select.EPOLLIN)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; no callback runs after this, but blocks may still be left."""
        os.eventfd_write(self._wake, 1)
        self._thread.join()
        os.close(self._wake)

    @contextmanager
    def on_hangup(self, sock: socket.socket, callback: Callable[[], object]) -> Iterator[None]:
        """Call `callback` at most once, from the watching thread, if the peer goes while inside.

        Leaving the block waits for a callback that is running, and none starts after that. A socket
        can be watched once at a time; a second watch on it raises FileExistsError.
        """
        fd = sock.fileno()
        watch = _Watch(sock, callback)
        self._epoll.register(fd, _GONE)
        self._watches[fd] = watch
        try:
            yield
        finally:
            with watch.lock:
                self._forget(fd, watch)

    def _forget(self, fd: int, watch: _Watch) -> None:
        """Take a watch off; its lock is held."""
        if not watch.over:
            watch.over = True
            del self._watches[fd]
            # A server that stops closes the sockets of those who are still inside.
            with suppress(OSError):
                self._epoll.unregister(fd)

    def _run(self) -> None:
        while True:
            for fd, _ in self._epoll.poll():
                if fd == self._wake:
                    return
                watch = self._watches.get(fd)
                if watch is not None:
                    self._announce(fd, watch)

    def _announce(self, fd: int, watch: _Watch) -> None:
        with watch.lock:
            # Between the event and here the descriptor may have become another client's.
            if watch.over or not _is_gone(watch.sock):
                return
            self._forget(fd, watch)
            try:
                watch.callback()
            except Exception:  # outermost loop
                self._log.exception("A hang-up callback failed")


def _is_gone(sock: socket.socket) -> bool:
    if sock.fileno() < 0:
        return False
    poll = select.poll()
    poll.register(sock, select.POLLRDHUP)
    return bool(poll.poll(0))

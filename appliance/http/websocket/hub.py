"""All WebSocket clients of a server in one thread, so that hundreds who are idle cost nothing."""

from __future__ import annotations

import logging
import os
import select
import threading
import time
from collections import Counter, deque
from collections.abc import Callable

from appliance.http.websocket.client import Client, ClientGone, Newcomer
from appliance.http.websocket.limits import SocketLimits
from appliance.observe.sockets import SocketCounts

_TICK = 0.5
_KNOWN = range(1000, 1016)  # codes of RFC 6455; a client may send others, up to 4999


class Hub:
    """Takes connections over with `adopt` and owns their sockets from then on.

    Times are in seconds of `clock`.
    """

    def __init__(
        self,
        limits: SocketLimits | None = None,
        log: logging.Logger | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits or SocketLimits()
        self._log = log or logging.getLogger(__name__)
        self._clock = clock
        self._clients: dict[int, Client] = {}
        self._interests: dict[int, int] = {}
        self._per_address: Counter[str] = Counter()
        self._newcomers: deque[Newcomer] = deque()
        self._roused: set[Client] = set()
        self._lock = threading.Lock()
        self._awake = self._ending = self._closed = False
        self._stop_at: float | None = None
        self._next_tick = 0.0
        self.counts = SocketCounts()
        """What it has done so far, and how many clients there are."""
        self._thread = threading.Thread(target=self._run, name="luna-http-sockets", daemon=True)

    def start(self) -> None:
        """Serve from now on."""
        self._epoll = select.epoll()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._wake, select.EPOLLIN)
        self._thread.start()

    def adopt(self, newcomer: Newcomer) -> None:
        """Serve one more client; from any thread."""
        self._newcomers.append(newcomer)
        self._rouse()

    def dismiss(self, grace: float) -> None:
        """Close everybody (1001), who is here or still comes; who does not go is cut off later."""
        self._stop_at = self._clock() + grace
        self._next_tick = 0.0
        self._rouse()

    def stop(self) -> None:
        """Wait for those who are being dismissed, and end."""
        if self._stop_at is None:
            self.dismiss(0.0)
        self._ending = True
        if self._thread.ident is not None:
            self._rouse()
            self._thread.join()
        with self._lock:
            self._closed = True
            os.close(self._wake)
        self._epoll.close()

    def _rouse(self, client: Client | None = None) -> None:
        """Have the thread look around, and after this client if one is named."""
        with self._lock:
            if client is not None:
                self._roused.add(client)
            if not self._awake and not self._closed:
                self._awake = True
                os.eventfd_write(self._wake, 1)

    # The thread: everything below runs in it.

    def _run(self) -> None:
        while not self._ending or self._clients or self._newcomers:
            try:
                self._turn()
            except Exception:  # outermost loop
                self._log.exception("The WebSocket hub stumbled")

    def _turn(self) -> None:
        for fd, events in self._epoll.poll(_TICK):
            if fd == self._wake:
                self._wake_up()
            elif client := self._clients.get(fd):
                if events & ~select.EPOLLOUT:
                    self._attend(client, client.read)
                self._attend(client, client.work)
        while self._newcomers:
            self._welcome(self._newcomers.popleft())
        with self._lock:
            roused, self._roused = self._roused, set()
        for client in roused:
            self._attend(client, client.work)
        now = self._clock()
        if now >= self._next_tick:
            self._next_tick = now + _TICK
            self._tick(now)

    def _wake_up(self) -> None:
        with self._lock:
            self._awake = False
            os.eventfd_read(self._wake)

    def _welcome(self, newcomer: Newcomer) -> None:
        now = self._clock()
        client = Client(newcomer, self._limits, self.counts, self._rouse, now)
        self._clients[client.fd] = client
        self._interests[client.fd] = 0
        self._per_address[client.host] += 1
        self._epoll.register(client.fd, 0)
        self.counts.open = len(self._clients)
        crowded = len(self._clients) > self._limits.clients
        most = self._limits.clients_per_address
        if crowded or (client.host and self._per_address[client.host] > most):
            client.end(1013, "Too many WebSockets are open; try again later.")
        self._attend(client, lambda now: client.open(newcomer.early, now))

    def _tick(self, now: float) -> None:
        clients = list(self._clients.values())
        for client in clients:
            if self._stop_at is not None:
                client.close(1001, "The server is shutting down.")
            self._attend(client, client.tick)
            if self._stop_at is not None and now >= self._stop_at:
                self._drop(client)
        excess = sum(client.held for client in clients) - self._limits.held_bytes
        while excess > 0:
            heaviest = max(clients, key=lambda each: each.held)
            excess -= heaviest.held
            clients.remove(heaviest)
            heaviest.end(1013, "The server is short of memory; try again later.")
            self._attend(heaviest, heaviest.work)

    def _attend(self, client: Client, step: Callable[[float], None]) -> None:
        """Take one step with a client, and settle what may come of it."""
        if self._clients.get(client.fd) is not client:
            return
        try:
            step(self._clock())
        except ClientGone:
            self._drop(client)
            return
        except Exception:  # outermost loop of a client's handler
            self._log.exception("The handler of a WebSocket failed")
            client.end(1011, "Something is wrong inside Luna; its log says more.")
            self._rouse(client)
        if self._interests[client.fd] != client.interest:
            self._interests[client.fd] = client.interest
            self._epoll.modify(client.fd, client.interest)

    def _drop(self, client: Client) -> None:
        if self._clients.pop(client.fd, None) is None:
            return
        self._epoll.unregister(client.fd)
        del self._interests[client.fd]
        self._per_address[client.host] -= 1
        if not self._per_address[client.host]:
            del self._per_address[client.host]
        try:
            client.forget()
        except Exception:  # outermost loop of a client's handler
            self._log.exception("The handler of a WebSocket failed at its end")
        self._log.debug("The WebSocket of %s ended with %d", client.host or "here", client.code)
        self.counts.open = len(self._clients)
        self.counts.closed.add(str(client.code) if client.code in _KNOWN else "other")

"""The HTTP server: listeners, one reception, one pool of workers, one hub of WebSockets."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from wsgiref.types import WSGIApplication

from cheroot import wsgi

from appliance.http.connection import Connection
from appliance.http.doors import Caller
from appliance.http.gateway import Gateway
from appliance.http.limits import Limits
from appliance.http.listeners import Listener
from appliance.http.reception import Reception
from appliance.http.refusal import SERVER_NAME
from appliance.http.websocket.hub import Hub
from appliance.http.websocket.limits import SocketLimits
from appliance.http.workers import Workers
from appliance.observe.sockets import SocketCounts

_LAST_WORDS_SECONDS = 2.0


class Server:
    """Serves `app` on `listeners`, which it owns from now on and closes when it stops."""

    def __init__(
        self,
        app: WSGIApplication,
        listeners: Sequence[Listener],
        limits: Limits | None = None,
        log: logging.Logger | None = None,
        sockets: SocketLimits | None = None,
    ) -> None:
        self._limits = limits or Limits()
        self._log = log or logging.getLogger(__name__)
        self._listeners = tuple(listeners)
        self.addresses = tuple(listener.address for listener in listeners)
        """Host and port of each listener, or the path of a Unix socket."""
        self._frame = _Frame(app, self._log)
        self._hub = Hub(sockets, self._log)
        self._reception = Reception(
            self._listeners, self._limits, self._open, self._admit, self._hub.adopt, self._log
        )
        self._workers = Workers(self._limits.workers, self._reception.give_back, self._log)
        self._stopping = threading.Lock()
        self._started = self._stopped = False

    def start(self) -> None:
        """Serve from now on; returns at once."""
        for listener in self._listeners:
            _tune(listener.socket, self._limits)
        self._frame.ready = self._started = True
        self._workers.start()
        self._hub.start()
        self._reception.start()

    @property
    def connections(self) -> int:
        """How many connections there are, idle ones included."""
        return self._reception.connections

    @property
    def sockets(self) -> SocketCounts:
        """What the WebSockets do."""
        return self._hub.counts

    def is_alive(self, patience: float = 5.0) -> bool:
        """Whether connections were attended to within the last `patience` seconds."""
        return self._reception.idle_for() < patience

    def stop(self, grace: float = 5.0) -> None:
        """Accept nobody, give requests that have begun `grace` seconds, then end; idempotent."""
        with self._stopping:
            if self._stopped:
                return
            self._stopped = True
            self._frame.ready = False
            if self._started:
                self._end_work(grace)
            self._reception.close()
            if self._started:
                self._hub.stop()

    def _end_work(self, grace: float) -> None:
        self._hub.dismiss(grace)
        if not self._reception.drain(grace):
            self._log.warning("Some requests were cut off after %g seconds of grace", grace)
            self._reception.cut()
        if not self._workers.stop(_LAST_WORDS_SECONDS):
            self._log.warning("Some requests did not end even after their client was cut off")

    def _open(self, caller: Caller, deadline: float) -> Connection:
        return Connection(self._frame, caller, self._limits, deadline)

    def _admit(self, connection: Connection) -> bool:
        if self._workers.waiting >= self._limits.waiting:
            return False
        self._workers.put(connection)
        return True


class _Frame(wsgi.Server):
    """What Cheroot's connections, requests and gateways ask of their server."""

    software = SERVER_NAME

    def __init__(self, app: WSGIApplication, log: logging.Logger) -> None:
        super().__init__(("localhost", 0), app, server_name=SERVER_NAME)
        self.gateway = Gateway
        self._log = log

    @property
    def can_add_keepalive_connection(self) -> bool:
        """Whether connections are kept for another request; not once the server stops."""
        return self.ready

    def clear_stats(self) -> None:
        """Keep no statistics; Cheroot's are a global that keeps every server alive."""
        self.stats = {"Enabled": False}

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        """Send Cheroot's messages to the log."""
        self._log.log(level, "%s", msg, exc_info=traceback)


def _tune(sock: socket.socket, limits: Limits) -> None:
    """Set what accepted connections inherit from their listener (tcp(7))."""
    if sock.family == socket.AF_UNIX:
        return
    milliseconds = int(limits.send_seconds * 1000)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        (socket.TCP_NODELAY, 1),
        (socket.TCP_KEEPIDLE, 30),
        (socket.TCP_KEEPINTVL, 10),
        (socket.TCP_KEEPCNT, 3),
        # A phone that left the WiFi sends no FIN; without this a stream would run on for minutes.
        (socket.TCP_USER_TIMEOUT, milliseconds),
    ):
        with suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, option, value)

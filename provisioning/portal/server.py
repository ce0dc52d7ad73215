"""The portal's listener and server; it needs nothing of the API, which may be down."""

from __future__ import annotations

import errno
import logging
import socket
import threading
from wsgiref.types import WSGIApplication

from cheroot import wsgi
from cheroot.connections import ConnectionManager

from appliance.errors import ConfigError
from provisioning.portal.site import LONGEST_BODY

_THREADS = 16  # browsers open connections ahead that each hold one for a while
_SECONDS = 5
_WAITING = 64
_BACKLOG = 64
_LONGEST_HEADER = 16384
_IP_FREEBIND = 15  # ip(7); the socket module has no name for it


def listen(address: str, port: int) -> socket.socket:
    """Listen on one address, which need not be there yet, beside a listener on all of them.

    The kernel prefers the one on the very address. Both need SO_REUSEPORT and the same owner, so
    on the device systemd makes the two. Raises ConfigError with the remedy.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
        listener.bind((address, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        remedy = {
            errno.EADDRINUSE: "another program has it; let systemd open the port for both",
            errno.EACCES: "that needs CAP_NET_BIND_SERVICE; let systemd open the port",
        }.get(error.errno or 0, str(error))
        raise ConfigError(
            f"The setup page cannot be at {address} port {port}: {remedy}."
        ) from error
    return listener


class PortalServer:
    """Serves one listener, which it owns from now on, in threads of its own."""

    def __init__(self, app: WSGIApplication, listener: socket.socket) -> None:
        self.port: int = listener.getsockname()[1]
        self._server = _Server(app, listener)
        self._thread = threading.Thread(target=self._server.serve, name="luna-portal", daemon=True)

    def start(self) -> None:
        """Serve from now on; returns at once."""
        self._server.prepare()
        self._thread.start()

    def stop(self) -> None:
        """Answer what was asked, for some seconds, and close; to be called once, after `start`."""
        self._server.stop()
        self._thread.join()


class _Server(wsgi.Server):
    """Cheroot with tight limits, on a socket that is there already."""

    max_request_header_size = _LONGEST_HEADER
    max_request_body_size = LONGEST_BODY
    keep_alive_conn_limit = 0  # captive windows mistake a kept connection for a slow one
    software = "Luna"

    def __init__(self, app: WSGIApplication, listener: socket.socket) -> None:
        super().__init__(
            listener.getsockname()[:2],
            app,
            numthreads=_THREADS,
            max=_THREADS,
            server_name="Luna",
            timeout=_SECONDS,
            shutdown_timeout=_SECONDS,
            accepted_queue_size=_WAITING,
            accepted_queue_timeout=_SECONDS,
        )
        self._listener = listener
        self._log = logging.getLogger(__name__)

    def prepare(self) -> None:
        """Get ready; unlike Cheroot's own this opens no socket."""
        self.socket = self._listener
        self.socket.settimeout(1)
        self._connections = ConnectionManager(self)
        self.requests.start()
        self.ready = True

    def clear_stats(self) -> None:
        """Keep no statistics; Cheroot's are a global that keeps every server alive."""
        self.stats = {"Enabled": False, "Worker Threads": {}}
        self._start_time = None

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        """Send Cheroot's messages to the log."""
        self._log.log(level, "%s", msg, exc_info=traceback)

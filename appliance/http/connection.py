"""One client's connection and its requests, in Cheroot's terms; bytes are read by the reception."""

from __future__ import annotations

import errno
import socket
import ssl
from contextlib import suppress
from email.utils import formatdate
from enum import Enum, auto
from io import BytesIO
from typing import Any

from cheroot.server import HTTPConnection, HTTPRequest, HTTPServer

from appliance.http.doors import Caller
from appliance.http.intake import Arrival, Intake
from appliance.http.limits import KIB, Limits
from appliance.http.refusal import SERVER_NAME, Refusal
from appliance.http.websocket.handler import Handler

_SLICE = 64 * KIB
_NO_BODY = frozenset({204, 304})


class Phase(Enum):
    """Where a connection is; all but WORK belong to the reception's thread."""

    GREETING = auto()
    """The TLS handshake is not done."""
    HEAD = auto()
    """A header is awaited; for a new connection also its first byte."""
    BODY = auto()
    """The header is here, the body is not."""
    WORK = auto()
    """A worker has the request, or will."""
    IDLE = auto()
    """Kept alive between two requests."""
    LEAVING = auto()
    """Answered and closed by us; what the client still sends is thrown away."""


class Writer:
    """The sending side of a socket; each 64 KiB must go out within the socket's time-out."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self.broken = False

    def write(self, data: bytes) -> int:
        """Send all of `data` now; raise ConnectionResetError if the client is gone or too slow."""
        view = memoryview(data)
        try:
            for start in range(0, len(view), _SLICE):
                self._socket.sendall(view[start : start + _SLICE])
        except OSError as problem:
            self.broken = True
            # Of all names for a lost client this is the one Cheroot keeps quiet about, TLS or not.
            raise ConnectionResetError(errno.ECONNRESET, "the client is gone") from problem
        return len(view)


class Request(HTTPRequest):
    """One request that has arrived whole, and the framing of its answer."""

    status: Any

    def parse_request(self) -> None:
        """Take over what the reception has read and checked."""
        head = self.conn.arrival.head
        self.started_request = True
        self.scheme = b"https" if self.conn.listener.tls else b"http"
        self.method = head.method.encode()
        self.uri = head.target.encode()
        self.path, self.qs = head.path, head.query
        self.request_protocol = head.version.encode()
        self.response_protocol = head.version
        self.inheaders = {name.encode(): value for name, value in head.fields.items()}
        self.close_connection = not head.keeps_alive
        self.ready = True

    @property
    def bodiless(self) -> bool:
        """Whether the answer must not have a body (RFC 9110 6.4.1); known once it has a status."""
        return self.method == b"HEAD" or self.upgrades or int(self.status[:3]) in _NO_BODY

    @property
    def upgrades(self) -> bool:
        """Whether the connection is no more HTTP's after this answer."""
        return bool(self.status.startswith(b"101"))

    def send_headers(self) -> None:
        """Send the header alone."""
        self.conn.wfile.write(self._header())

    def write(self, chunk: bytes) -> None:
        """Send a piece of the body at once, together with the header if that has not gone yet."""
        header = b""
        if not self.sent_headers:
            self.sent_headers = True
            header = self._header()
        if self.bodiless:
            chunk = b""
        elif self.chunked_write:
            chunk = b"%x\r\n%b\r\n" % (len(chunk), chunk)
        if header or chunk:
            self.conn.wfile.write(header + chunk)

    def simple_response(self, status: object, msg: str = "") -> None:
        """Answer in Cheroot's place: the application failed before it said anything."""
        self.close_connection = self.sent_headers = True
        refusal = Refusal(
            500,
            "internal_error",
            "The server failed while it prepared the answer; its log says why. Try again.",
        )
        with suppress(ConnectionResetError):
            self.conn.wfile.write(refusal.render(with_body=self.method != b"HEAD"))

    def _header(self) -> bytes:
        """The status line and fields; settles how the body is framed and the connection ends."""
        fields: list[tuple[bytes, bytes]] = self.outheaders
        if self.upgrades:  # RFC 9110 8.6: such an answer has no content to speak of
            fields = [field for field in fields if not field[0].lower().startswith(b"content-")]
        given = {name.lower(): value for name, value in fields}
        if b"content-length" not in given and not self.bodiless:
            if self.response_protocol == "HTTP/1.1":
                self.chunked_write = True
                fields.append((b"Transfer-Encoding", b"chunked"))
            else:
                self.close_connection = True
        if given.get(b"connection", b"").lower() == b"close":
            self.close_connection = True
        if not self.server.can_add_keepalive_connection:
            self.close_connection = True
        if b"connection" not in given:
            if self.close_connection:
                fields.append((b"Connection", b"close"))
            elif self.response_protocol == "HTTP/1.0":
                fields.append((b"Connection", b"keep-alive"))
        if b"date" not in given:
            fields.append((b"Date", formatdate(usegmt=True).encode()))
        if b"server" not in given:
            fields.append((b"Server", SERVER_NAME.encode()))
        lines = [b"HTTP/1.1 %b" % self.status, *(b"%b: %b" % field for field in fields)]
        return b"\r\n".join([*lines, b"", b""])


class Connection(HTTPConnection):
    """A client's connection, from accept to close."""

    RequestHandlerClass = Request

    def __init__(self, server: HTTPServer, caller: Caller, limits: Limits, deadline: float) -> None:
        super().__init__(server, caller.socket, _make_file)
        # Cheroot caches look-ups of Unix peers here, which makes each connection a cycle.
        del self.resolve_peer_creds, self.get_peer_creds
        self.remote_addr, self.remote_port = caller.host, caller.port
        self.listener = caller.listener
        # Asked now: the listener is closed before the last requests are answered.
        self.address = caller.listener.address
        self.fd = caller.socket.fileno()
        self.intake = Intake(limits)
        self.phase = Phase.GREETING if caller.listener.tls else Phase.HEAD
        self.deadline = deadline
        """When the current phase is over, in the reception's time."""
        self.body_started = 0.0
        self.charge = 0
        """Body bytes in memory on this connection's account."""
        self.arrival: Arrival | None = None
        self.upgrade: Handler | None = None
        """Who serves the WebSocket that the connection becomes after its answer."""

    @property
    def local_address(self) -> str:
        """The address of this machine that the client reached, "" once it is gone."""
        with suppress(OSError):
            return str(self.socket.getsockname()[0]).removeprefix("::ffff:")
        return ""

    @property
    def begun(self) -> bool:
        """Whether a request has started to arrive."""
        return self.phase is Phase.BODY or (self.phase is Phase.HEAD and self.intake.begun)

    def greet(self) -> bool:
        """Go on with the TLS handshake; True once it is done; raises what a TLS socket raises."""
        if not isinstance(self.socket, ssl.SSLSocket):
            first = self.socket.recv(1, socket.MSG_PEEK)
            # RFC 8446 5.1: a handshake record starts with 22.
            if first != b"\x16":
                return self._not_tls(first)
            self.socket = self.listener.tls.wrap_socket(  # type: ignore[union-attr]
                self.socket, server_side=True, do_handshake_on_connect=False
            )
            self.wfile = Writer(self.socket)
        self.socket.do_handshake()
        return True

    def _not_tls(self, first: bytes) -> bool:
        if not first:
            raise ConnectionResetError(errno.ECONNRESET, "left before the handshake")
        self.phase = Phase.HEAD
        raise Refusal(400, "https_required", "This port speaks HTTPS; use an https:// address.")

    def say(self, data: bytes) -> None:
        """Send a few bytes if the kernel takes them now; nobody waits for a client here."""
        if self.phase is not Phase.GREETING:
            with suppress(OSError):
                self.socket.send(data)

    def hang_up(self) -> None:
        """Tell the client that nothing more follows; it may still be sending."""
        with suppress(OSError, ValueError):
            if isinstance(self.socket, ssl.SSLSocket):
                self.socket.unwrap()
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        """End both directions under a worker's hands, so that its next write fails."""
        with suppress(OSError):
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the socket back; whoever was still there gets a reset if bytes are unread."""
        self.socket.close()


def _make_file(sock: socket.socket, mode: str, _size: int) -> Any:
    """What Cheroot reads from and writes to: nothing, and the socket."""
    return Writer(sock) if "w" in mode else BytesIO()

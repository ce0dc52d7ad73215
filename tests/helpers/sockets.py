"""WebSockets to talk over: a server for one handler, and a client that sends what it likes.

with socket_server(Echo) as port, RawSocket(port) as raw:
    raw.send(frame(TEXT, b"hello"))
    assert raw.text() == "hello"
"""

from __future__ import annotations

import logging
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from appliance.domain.cancel import CancelToken
from appliance.errors import LunaError
from appliance.http.errors import status_of
from appliance.http.exchange import Request
from appliance.http.limits import Limits
from appliance.http.listeners import bind
from appliance.http.server import Server
from appliance.http.websocket.handler import Handler, Socket
from appliance.http.websocket.handshake import upgrade
from appliance.http.websocket.limits import SocketLimits
from appliance.serving.answer import Caller
from tests.helpers.wire import Wire

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455 1.3, whose answer follows
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
HANDSHAKE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    f"Sec-WebSocket-Key: {KEY}",
)


class Echo:
    """A handler that sends back what it hears; "bye" closes, "fail" raises."""

    def __init__(self) -> None:
        self.socket: Socket | None = None
        self.heard: list[str] = []
        self.opened, self.closed = threading.Event(), threading.Event()

    def on_open(self, socket: Socket) -> None:
        self.socket = socket
        self.opened.set()

    def on_text(self, text: str) -> None:
        assert self.socket is not None
        assert not self.closed.is_set()
        self.heard.append(text)
        if text == "fail":
            raise RuntimeError("the handler was asked to fail")
        if text == "bye":
            self.socket.close(1000, "as you wish")
        self.socket.send(text)

    def on_close(self) -> None:
        assert not self.closed.is_set()
        self.closed.set()


@contextmanager
def socket_server(
    make: Callable[[], Handler] = Echo,
    sockets: SocketLimits | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Server]:
    """A server on a free port whose only path is a WebSocket."""

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        names = {key[5:].lower().replace("_", "-") for key in environ if key.startswith("HTTP_")}
        headers = {name: environ[f"HTTP_{name.upper().replace('-', '_')}"] for name in names}
        caller = Caller("", "", CancelToken())
        try:
            reply = upgrade(Request("GET", "/", caller, headers=headers), make())
        except LunaError as error:
            start_response(f"{status_of(error)} Refused", [("Content-Length", "0")])
            return []
        environ["luna.upgrade"] = reply.upgrade
        start_response("101 Switching Protocols", list(reply.headers))
        return []

    log = logging.getLogger("tests.sockets")
    server = Server(app, bind("127.0.0.1", 0, tls=tls), Limits(workers=2), log, sockets)
    server.start()
    try:
        yield server
    finally:
        server.stop(5)


def port_of(server: Server) -> int:
    """The port of its first listener."""
    return int(server.addresses[0][1])


def frame(
    opcode: int, data: bytes = b"", *, fin: bool = True, masked: bool = True, reserved: int = 0
) -> bytes:
    """A frame as a client sends it, right or wrong (RFC 6455 5.2)."""
    head = bytes([fin << 7 | reserved << 4 | opcode])
    mask = masked << 7
    if len(data) < 126:
        head += bytes([mask | len(data)])
    elif len(data) < 1 << 16:
        head += bytes([mask | 126]) + struct.pack("!H", len(data))
    else:
        head += bytes([mask | 127]) + struct.pack("!Q", len(data))
    # A mask of zeros leaves the bytes as they are.
    return head + b"\0\0\0\0" * masked + data


class RawSocket:
    """A connection after its handshake; `early` is sent in one piece with that."""

    def __init__(
        self, server: Server | int, early: bytes = b"", tls: ssl.SSLContext | None = None
    ) -> None:
        port = server if isinstance(server, int) else port_of(server)
        self.wire = Wire(port, tls)
        lines = ["GET / HTTP/1.1", "Host: localhost", *HANDSHAKE, "", ""]
        self.wire.send("\r\n".join(lines).encode() + early)
        status, self.fields = self.wire.header()
        assert status == 101
        assert self.fields["sec-websocket-accept"] == ACCEPT

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.wire.close()

    def send(self, data: bytes) -> Self:
        """Send bytes as they are."""
        self.wire.send(data)
        return self

    def frame(self) -> tuple[int, bytes]:
        """Read one frame: its opcode and data; ConnectionError if there is none."""
        head = self.wire.read(2)
        assert head[0] & 0xF0 == 0x80, "the server sends whole messages without extensions"
        assert not head[1] & 0x80, "the server does not mask"
        size = head[1]
        if size > 125:
            size = int.from_bytes(self.wire.read(2 if size == 126 else 8), "big")
        return head[0] & 0x0F, self.wire.read(size)

    def text(self) -> str:
        """Read a text message."""
        opcode, data = self.frame()
        assert opcode == TEXT, (opcode, data)
        return data.decode()

    def code(self) -> int:
        """Read up to the end, which must be a close frame: its code, 1005 if it has none."""
        while True:
            opcode, data = self.frame()
            if opcode == CLOSE:
                assert self.wire.ended()
                return int.from_bytes(data[:2], "big") if data else 1005


class Kept:
    """A `Socket` that keeps what is sent to it."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.code: int | None = None

    def send(self, text: str) -> None:
        self.texts.append(text)

    def close(self, code: int = 1000, reason: str = "") -> None:
        self.code = code

"""A raw HTTP client on a socket, and a server to point it at."""

from __future__ import annotations

import json
import logging
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, cast
from wsgiref.types import WSGIApplication

from appliance.http.limits import Limits
from appliance.http.listeners import Listener, bind
from appliance.http.server import Server

PATIENCE_S = 30.0


def eventually(condition: Callable[[], object], what: str = "the condition") -> None:
    """Wait until `condition` holds; fail after some seconds."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come about"
        time.sleep(0.005)


def descriptors() -> int:
    """How many files and sockets this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@dataclass(frozen=True, slots=True)
class Response:
    """A response as it came: field names in lower case."""

    status: int
    fields: dict[str, str]
    body: bytes
    whole: bool = True

    @property
    def code(self) -> str:
        """The code of an error in the server's own shape, which is checked."""
        assert self.fields["content-type"] == "application/json"
        error = json.loads(self.body)["error"]
        assert error.keys() == {"message", "type", "param", "code"}
        assert error["type"] == ("server_error" if self.status >= 500 else "invalid_request_error")
        return str(error["code"])


class Wire:
    """One client connection; every wait ends after some seconds."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self._file = cast(BinaryIO, self.socket.makefile("rb"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close with FIN, or RST if something was left unread."""
        self._file.close()
        self.socket.close()

    def reset(self) -> None:
        """Close with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.close()

    def send(self, data: bytes) -> Self:
        """Send bytes as they are."""
        self.socket.sendall(data)
        return self

    def request(self, target: str = "/", *fields: str, body: bytes = b"") -> Response:
        """Ask with GET, or POST if there is a body."""
        lines = [f"{'POST' if body else 'GET'} {target} HTTP/1.1", "Host: localhost", *fields]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return self.send("\r\n".join([*lines, "", ""]).encode() + body).response()

    def response(self, *, to_head: bool = False) -> Response:
        """Read one response; `whole` tells whether it ended as its framing says."""
        status, fields = self.header()
        if to_head or status in (204, 304):
            return Response(status, fields, b"")
        if "content-length" in fields:
            size = int(fields["content-length"])
            body = self._file.read(size)
            return Response(status, fields, body, len(body) == size)
        if fields.get("transfer-encoding") == "chunked":
            chunks = list(self.chunks())
            whole = bool(chunks) and chunks[-1] == b""
            return Response(status, fields, b"".join(chunks), whole)
        return Response(status, fields, self._file.read())

    def read(self, size: int) -> bytes:
        """Read exactly so many bytes; ConnectionError if the server closes before."""
        data = self._file.read(size)
        if len(data) < size:
            raise ConnectionError("closed in the middle")
        return data

    def header(self) -> tuple[int, dict[str, str]]:
        """Read the status line and the fields; ConnectionError if there are none."""
        line = self._file.readline()
        if not line:
            raise ConnectionError("closed without an answer")
        fields = {}
        while (field := self._file.readline()) not in (b"\r\n", b""):
            name, _, value = field.decode().partition(":")
            fields[name.lower()] = value.strip()
        return int(line.split()[1]), fields

    def chunks(self) -> Iterator[bytes]:
        """Read a chunked body; its last chunk is empty, unless the server broke off."""
        while line := self._file.readline():
            chunk = self._file.read(int(line, 16))
            assert self._file.read(2) == b"\r\n"
            yield chunk
            if not chunk:
                return

    def ended(self) -> bool:
        """Wait for the server to close in whatever way; True if no response came before."""
        try:
            return not self._file.read().startswith(b"HTTP/")
        except ConnectionError:
            return True


def echo(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """A WSGI application that answers with what it was asked, as JSON."""
    body = environ["wsgi.input"].read()
    kept = {key: value for key, value in environ.items() if isinstance(value, str)}
    answer = json.dumps({**kept, "body": body[:1000].decode("latin-1"), "size": len(body)}).encode()
    start_response(
        "200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))]
    )
    return [answer]


@contextmanager
def serving(
    app: WSGIApplication = echo,
    limits: Limits | None = None,
    tls: ssl.SSLContext | None = None,
    listeners: list[Listener] | None = None,
) -> Iterator[int]:
    """A server on a free port of the loopback interface; yields the (first) port."""
    limits = limits or Limits(workers=4)
    listeners = listeners or bind("127.0.0.1", 0, limits.backlog, tls)
    server = Server(app, listeners, limits, logging.getLogger("tests.http"))
    server.start()
    try:
        yield int(server.addresses[0][1])
    finally:
        server.stop(5)

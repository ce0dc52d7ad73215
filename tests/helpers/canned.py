"""An HTTP server that answers every request with the same bytes, and tells what it was asked."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Self


class CannedServer:
    """Listens on a free loopback port; `requests` are what clients sent, header and body."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests: list[bytes] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # the listener was closed
            with connection:
                connection.settimeout(10.0)
                asked = self._read(connection)
                if asked:
                    self.requests.append(asked)
                    connection.sendall(self._answer)

    def _read(self, connection: socket.socket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data or len(data) < self._length(data):
            more = connection.recv(65536)
            if not more:
                break
            data += more
        return data

    def _length(self, data: bytes) -> int:
        head, _, _ = data.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        return len(head) + 4 + int(fields.get(b"content-length", b"0"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10.0)


def http(body: bytes, status: str = "200 OK", kind: str = "application/json") -> bytes:
    """A whole answer that ends with the connection."""
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n".encode() + body


def events(*data: bytes) -> bytes:
    """A whole stream of server-sent events."""
    return http(b"".join(b"data: " + each + b"\n\n" for each in data), kind="text/event-stream")

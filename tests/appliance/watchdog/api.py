"""A server that answers the watchdog's requests as a test says, over real HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Api:
    """What is asked of it, and what it answers; `refused` are paths with a status of their own."""

    def __init__(self) -> None:
        self.engines: list[dict[str, Any]] = []
        self.asked: list[tuple[str, Any]] = []
        self.status = 200
        self.refused: dict[str, int] = {}
        self.body: bytes | None = None
        self.url = ""

    def answer(self, path: str, sent: bytes) -> bytes:
        if path != "/luna/engines":
            self.asked.append((path, json.loads(sent)))
        return json.dumps({"engines": self.engines}).encode() if self.body is None else self.body


@contextmanager
def api() -> Iterator[Api]:
    """The server, on a free port of the loopback interface."""
    fake = Api()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = fake.answer(self.path, sent)
            self.send_response(fake.refused.get(self.path, fake.status))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        fake.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join()

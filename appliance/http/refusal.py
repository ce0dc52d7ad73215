"""The answers that the server gives by itself, without the application: always JSON."""

from __future__ import annotations

import json
from email.utils import formatdate
from http import HTTPStatus

SERVER_NAME = "Luna"


class Refusal(Exception):
    """A request that is not served: its status, a stable code and a sentence with the remedy."""

    def __init__(self, status: int, code: str, message: str, *, retry_after: int | None = None):
        super().__init__(message)
        self.status = HTTPStatus(status)
        self.code = code
        self.message = message
        self.retry_after = retry_after

    @property
    def body(self) -> bytes:
        """The error object in OpenAI's shape."""
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        error = {"message": self.message, "type": kind, "param": None, "code": self.code}
        return json.dumps({"error": error}).encode()

    def render(self, *, with_body: bool = True) -> bytes:
        """The whole HTTP response; the connection is to be closed after it."""
        body = self.body
        lines = [
            f"HTTP/1.1 {self.status.value} {self.status.phrase}",
            f"Server: {SERVER_NAME}",
            f"Date: {formatdate(usegmt=True)}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            "Connection: close",
        ]
        if self.retry_after is not None:
            lines.append(f"Retry-After: {self.retry_after}")
        head = "\r\n".join([*lines, "", ""]).encode("ascii")
        return head + body if with_body else head

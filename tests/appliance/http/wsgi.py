"""Calls a WSGI application without a server."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from wsgiref.types import WSGIApplication
from wsgiref.util import setup_testing_defaults


@dataclass(frozen=True)
class Answer:
    """What the application said; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


def environ(method: str = "GET", path: str = "/", body: bytes = b"", **more: Any) -> dict[str, Any]:
    """The environ of a request; keywords add to it."""
    found: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "REMOTE_ADDR": "10.0.0.9",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    setup_testing_defaults(found)
    return found | more


def begin(app: WSGIApplication, asked: dict[str, Any]) -> tuple[list[Any], Iterable[bytes]]:
    """Status and headers as they are said, and the body unread."""
    said: list[Any] = []

    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        said[:] = [int(status[:3]), {name.lower(): value for name, value in headers}]
        return lambda data: None

    return said, app(asked, start)


def call(app: WSGIApplication, asked: dict[str, Any]) -> Answer:
    """The whole answer, closed as a server does."""
    said, pieces = begin(app, asked)
    try:
        body = b"".join(pieces)
    finally:
        if hasattr(pieces, "close"):
            pieces.close()
    return Answer(said[0], said[1], body)

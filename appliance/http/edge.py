"""What every request passes before the application: identity, CORS, hang-up watch, access log."""

from __future__ import annotations

import logging
import re
import secrets
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from appliance.domain.cancel import CancelToken
from appliance.http.app import CALLER, DIALECT, ROUTE
from appliance.http.hangup import HangupWatch
from appliance.serving.answer import Caller

_access = logging.getLogger("luna.access")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_EXPOSED = (
    "x-request-id, x-luna-ignored, retry-after, x-ratelimit-limit, x-ratelimit-remaining, "
    "x-ratelimit-reset, www-authenticate"
)
_METHODS = "GET, POST, PUT, DELETE, HEAD, OPTIONS"
_PULSE = "/luna/engines"  # asked for by the watchdog every other second: logged if it fails only

Headers = list[tuple[str, str]]


class Edge:
    """Wraps the application; `origins` are the web origins that browsers may call from.

    `count` is told of each request at its end: route ("" for none), method, status, seconds.
    """

    def __init__(
        self,
        app: WSGIApplication,
        watch: HangupWatch,
        origins: Sequence[str],
        clock: Callable[[], float] = time.monotonic,
        count: Callable[[str, str, str, float], None] = lambda route, method, status, seconds: None,
    ) -> None:
        self._app = app
        self._watch = watch
        self._origins = frozenset(origins)
        self._clock = clock
        self._count = count

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        caller = Caller(str(environ.get("REMOTE_ADDR", "")), _request_id(environ), CancelToken())
        environ[CALLER] = caller
        record = _Record(environ, caller, self._clock, self._count)
        if environ.get(DIALECT) == "wingman":  # whose server took paths so
            environ["PATH_INFO"] = environ["PATH_INFO"].lower().rstrip("/") or "/"
        own = [("x-request-id", caller.request_id), *self._cors(environ)]

        def start(status: str, headers: Headers, exc_info: Any = None) -> Any:
            record.status = status[:3]
            return start_response(status, [*headers, *own], exc_info)

        if _is_preflight(environ):
            start("204 No Content", _preflight(environ))
            return _Body((), record, ExitStack())
        stack = ExitStack()
        connection = environ.get("luna.connection")
        if environ["REQUEST_METHOD"] != "GET" and isinstance(connection, socket.socket):
            stack.enter_context(self._watch.on_hangup(connection, caller.cancel.cancel))
        try:
            return _Body(self._app(environ, start), record, stack)
        except BaseException:
            stack.close()
            raise

    def _cors(self, environ: WSGIEnvironment) -> Headers:
        origin = environ.get("HTTP_ORIGIN")
        if origin is None or not self._origins & {"*", origin}:
            return []
        allowed = "*" if "*" in self._origins else str(origin)
        headers = [
            ("Access-Control-Allow-Origin", allowed),
            ("Access-Control-Expose-Headers", _EXPOSED),
        ]
        return headers if allowed == "*" else [*headers, ("Vary", "Origin")]


class _Record:
    """What the access log and the counts will say; no query string, it may carry a secret."""

    def __init__(
        self,
        environ: WSGIEnvironment,
        caller: Caller,
        clock: Callable[[], float],
        count: Callable[[str, str, str, float], None],
    ) -> None:
        self._environ = environ
        self._count = count
        self.status = "500"
        self.bytes = 0
        self.whole = False
        self._what = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']!a}"
        self._is_pulse = environ["PATH_INFO"] == _PULSE
        self._caller = caller
        self._clock = clock
        self._begun = clock()

    def write(self) -> None:
        """Count the request and log it, once it is over."""
        seconds = self._clock() - self._begun
        route, method = self._environ.get(ROUTE, ""), self._environ["REQUEST_METHOD"]
        self._count(str(route), str(method), self.status, seconds)
        gone = "" if self.whole else " (cut off)"
        _access.log(
            logging.DEBUG if self._is_pulse and self.status == "200" else logging.INFO,
            "%s %s %s %d bytes %.1f ms %s%s",
            self._caller.client,
            self._what,
            self.status,
            self.bytes,
            1000 * seconds,
            self._caller.request_id,
            gone,
        )


class _Body:
    """The pieces of an answer; at the end, however it comes, everything is let go and logged."""

    def __init__(self, pieces: Iterable[bytes], record: _Record, stack: ExitStack) -> None:
        self._pieces = pieces
        self._record = record
        self._stack = stack
        if callable(close := getattr(pieces, "close", None)):
            stack.callback(close)

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._record.bytes += len(piece)
            yield piece
        self._record.whole = True

    def close(self) -> None:
        """Called by the server when the answer is sent, or cannot be."""
        try:
            self._stack.close()
        finally:
            self._record.write()


def _request_id(environ: WSGIEnvironment) -> str:
    """The client's own id if it is harmless in a log and a header, else a new one."""
    sent = str(environ.get("HTTP_X_REQUEST_ID", ""))
    return sent if _REQUEST_ID.fullmatch(sent) else f"req_{secrets.token_hex(12)}"


def _is_preflight(environ: WSGIEnvironment) -> bool:
    """A browser's question before a request; any other OPTIONS is the application's."""
    asked = "HTTP_ORIGIN" in environ and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
    return asked and environ["REQUEST_METHOD"] == "OPTIONS"


def _preflight(environ: WSGIEnvironment) -> Headers:
    """What a browser may send (Fetch standard, CORS preflight)."""
    wanted = str(environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "content-type, authorization"))
    headers = [
        ("Access-Control-Allow-Methods", _METHODS),
        ("Access-Control-Allow-Headers", wanted),
        ("Access-Control-Max-Age", "600"),
    ]
    if "HTTP_ACCESS_CONTROL_REQUEST_PRIVATE_NETWORK" in environ:
        headers.append(("Access-Control-Allow-Private-Network", "true"))
    return headers

"""From a request that has arrived whole to the WSGI application (PEP 3333) and back."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import closing
from typing import Any

from cheroot.wsgi import Gateway_10

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class ApplicationFailed(Exception):
    """The application broke its contract with the server or let an error through."""


class Gateway(Gateway_10):
    """Calls the application for one request; every chunk it yields is sent at once.

    The environ has, beyond PEP 3333, `luna.connection`: the client's socket, to be watched for a
    hang-up and never read; `luna.address`: the address of this device that was asked, "" on a Unix
    socket; `luna.dialect`: whose clients look for their server on this port, or "" for all. The
    body is plain bytes of known length, however it was sent. With an answer of status 101 the
    application leaves the handler of a WebSocket in `luna.upgrade`.
    """

    def get_environ(self) -> dict[str, Any]:  # type: ignore[override]
        """The environ of this request."""
        connection = self.req.conn
        arrival = connection.arrival
        environ: dict[str, Any] = super().get_environ()  # type: ignore[no-untyped-call]
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        address = connection.address
        environ["wsgi.input"] = arrival.body
        environ["wsgi.input_terminated"] = True
        environ["CONTENT_LENGTH"] = str(len(arrival.body.getbuffer()))
        environ["SERVER_PORT"] = "" if isinstance(address, str) else str(address[1])
        environ["luna.connection"] = connection.socket
        environ["luna.address"] = "" if isinstance(address, str) else connection.local_address
        environ["luna.dialect"] = connection.listener.dialect
        if not arrival.head.upgradable:
            environ.pop("HTTP_UPGRADE", None)
        return environ

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Any:
        """PEP 3333; a call with `exc_info` replaces what was said before."""
        if exc_info and not self.req.sent_headers:
            self.req.outheaders = []
            self.remaining_bytes_out = None
        for text in (status, *(text for header in headers for text in header)):
            if _UNPRINTABLE.search(text):
                raise ApplicationFailed(f"A response header has a control character: {text!r}")
        return super().start_response(status, headers, exc_info)

    def respond(self) -> None:
        """Run the application to its end; raise ApplicationFailed where the answer is not whole."""
        with closing(self._chunks()) as chunks:
            for chunk in chunks:
                if chunk:
                    self.write(chunk)
        if not self.started_response:
            raise ApplicationFailed("The application did not call start_response")
        if self.remaining_bytes_out and not self.req.bodiless:
            raise ApplicationFailed(f"{self.remaining_bytes_out} bytes of the answer are missing")
        if self.req.status.startswith(b"101"):
            self.req.conn.upgrade = self.env["luna.upgrade"]

    def write(self, chunk: bytes) -> None:
        """Send a piece of the body now."""
        if not self.started_response:
            raise ApplicationFailed("The application wrote before it called start_response")
        if not isinstance(chunk, bytes):
            raise ApplicationFailed(f"The application must yield bytes, not {type(chunk).__name__}")
        if self.remaining_bytes_out is not None and not self.req.bodiless:
            if len(chunk) > self.remaining_bytes_out:
                raise ApplicationFailed("The answer is longer than its Content-Length")
            self.remaining_bytes_out -= len(chunk)
        self.req.write(chunk)

    def _chunks(self) -> Generator[bytes, None, None]:
        """What the application yields, closed at the end in any case.

        Its OS errors must not pass for errors of the client's socket, which are not worth a word.
        """
        try:
            answer = self.req.server.wsgi_app(self.env, self.start_response)
            try:
                # Not `yield from`, which would close the answer a second time.
                for chunk in answer:  # noqa: UP028
                    yield chunk
            finally:
                if hasattr(answer, "close"):
                    answer.close()
        except (OSError, SystemExit) as problem:
            raise ApplicationFailed(repr(problem)) from problem

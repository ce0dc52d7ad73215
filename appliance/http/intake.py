"""From a connection's bytes to whole requests, however the bytes are cut; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import BytesIO

from appliance.http.body import Body, body_of
from appliance.http.head import Head, too_long
from appliance.http.limits import Limits
from appliance.http.refusal import Refusal

_END = b"\r\n\r\n"
_BARE_LF = re.compile(rb"(?<!\r)\n")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request that has arrived whole: its header and its body, ready to be read."""

    head: Head
    body: BytesIO


class Intake:
    """Gathers one request after the other; `feed` raises Refusal where the framing is lost."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._buffer = bytearray()
        self._scanned = 0
        self._body: Body | None = None
        self.head: Head | None = None
        """The header of the request whose body is on its way."""

    @property
    def begun(self) -> bool:
        """Whether some bytes of the next request are here."""
        return self.head is not None or bool(self._buffer)

    @property
    def received(self) -> int:
        """Bytes of the current body that are here."""
        return 0 if self._body is None else self._body.data.tell()

    def take_rest(self) -> bytes:
        """Give away what is here, as the connection is no more HTTP's."""
        rest = bytes(self._buffer)
        self.clear()
        return rest

    def clear(self) -> None:
        """Forget everything; nothing more is to be read."""
        self._buffer = bytearray()
        self._scanned = 0
        self.head = self._body = None

    def feed(self, data: bytes) -> Arrival | None:
        """Take bytes in; return a request once it is whole, and keep what follows it."""
        self._buffer += data
        if self.head is None:
            block = self._head_block()
            if block is None:
                return None
            self.head = Head.parse(block, self._limits)
            self._body = body_of(self.head, self._limits)
        if self._body is None or not self._body.take(self._buffer):
            return None
        arrival = Arrival(self.head, self._body.data)
        arrival.body.seek(0)
        self.head = self._body = None
        return arrival

    def _head_block(self) -> bytes | None:
        """Take a header without its closing empty line off the buffer, if it is here whole."""
        buffer = self._buffer
        # Empty lines before a request are read over (RFC 9112 2.2).
        while buffer.startswith(b"\r\n"):
            del buffer[:2]
            self._scanned = 0
        end = buffer.find(_END, max(0, self._scanned - len(_END) + 1))
        if end > self._limits.header_bytes or (end < 0 and self._overlong()):
            raise self._oversize()
        if end < 0:
            self._refuse_hopeless()
            self._scanned = len(buffer)
            return None
        block = bytes(buffer[:end])
        del buffer[: end + len(_END)]
        self._scanned = 0
        return block

    def _overlong(self) -> bool:
        """Whether what has come of the header is over a limit already."""
        size = len(self._buffer)
        if size > self._limits.header_bytes:
            return True
        return size > self._limits.target_bytes and b"\r\n" not in self._buffer

    def _oversize(self) -> Refusal:
        if b"\r\n" not in self._buffer[: self._limits.target_bytes + 2]:
            return too_long(self._limits)
        return Refusal(
            431,
            "headers_too_large",
            f"The headers are larger than {self._limits.header_bytes} bytes; send fewer or less.",
        )

    def _refuse_hopeless(self) -> None:
        """Refuse at once what can never become a header, instead of waiting for its end."""
        if self._buffer and not 0x41 <= self._buffer[0] <= 0x5A and self._buffer != b"\r":
            raise Refusal(
                400, "bad_request_line", "This port speaks HTTP; start with: METHOD /path HTTP/1.1."
            )
        if _BARE_LF.search(self._buffer, max(0, self._scanned - 1)):
            raise Refusal(400, "bad_line_end", "End every header line with CR LF.")

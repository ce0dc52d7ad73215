"""Request bodies as they arrive: a known length or chunks (RFC 9112 6 and 7.1); pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO
from typing import Protocol

from appliance.http.head import Head, too_large
from appliance.http.limits import Limits
from appliance.http.refusal import Refusal

_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?")
_LINE_BYTES = 1024
# Chunks cost time each, so a sender of very many must make them worth it.
_FREE_CHUNKS = 1024
_CHUNK_WORTH = 32


class Body(Protocol):
    """Something that takes a body's bytes from the front of a buffer."""

    data: BytesIO

    def take(self, buffer: bytearray) -> bool:
        """Move what belongs to the body out of `buffer`; True once it is whole."""


def body_of(head: Head, limits: Limits) -> Body:
    """The reader for the body that `head` announces, perhaps an empty one."""
    return Chunked(limits) if head.chunked else Sized(head.length)


class Sized:
    """A body of known length."""

    def __init__(self, length: int) -> None:
        self.data = BytesIO()
        self._missing = length

    def take(self, buffer: bytearray) -> bool:
        """Move up to the missing bytes over."""
        self._missing -= _move(buffer, self._missing, self.data)
        return self._missing == 0


class Chunked:
    """A body in chunks; extensions and trailers are read over."""

    def __init__(self, limits: Limits) -> None:
        self.data = BytesIO()
        self._limits = limits
        self._step: Callable[[Chunked, bytearray], bool] = Chunked._size
        self._missing = 0
        self._chunks = 0
        self._trailer_bytes = 0
        self._whole = False

    def take(self, buffer: bytearray) -> bool:
        """Decode as far as the buffer goes; raise Refusal for what is no chunk."""
        while not self._whole and self._step(self, buffer):
            pass
        return self._whole

    # Each step returns whether the next one can go on with what is in the buffer.

    def _size(self, buffer: bytearray) -> bool:
        line = _line(buffer)
        if line is None:
            return False
        match = _CHUNK_LINE.fullmatch(line)
        if match is None:
            raise _broken()
        self._missing = int(match[1], 16)
        self._chunks += 1
        received = self.data.tell()
        if received + self._missing > self._limits.body_bytes:
            raise too_large(self._limits)
        if self._chunks > _FREE_CHUNKS and received < self._chunks * _CHUNK_WORTH:
            raise Refusal(400, "chunks_too_small", "Send the body in larger chunks.")
        self._step = Chunked._content if self._missing else Chunked._trailer
        return True

    def _content(self, buffer: bytearray) -> bool:
        self._missing -= _move(buffer, self._missing, self.data)
        if self._missing:
            return False
        self._step = Chunked._end
        return True

    def _end(self, buffer: bytearray) -> bool:
        if not b"\r\n".startswith(bytes(buffer[:2])):
            raise _broken()
        if len(buffer) < 2:
            return False
        del buffer[:2]
        self._step = Chunked._size
        return True

    def _trailer(self, buffer: bytearray) -> bool:
        line = _line(buffer)
        if line is None:
            return False
        self._trailer_bytes += len(line)
        if self._trailer_bytes > self._limits.header_bytes:
            raise Refusal(431, "headers_too_large", "Leave the trailer fields out.")
        self._whole = not line
        return True


def _line(buffer: bytearray) -> bytes | None:
    """Take a line off the buffer, or None while it has not ended."""
    end = buffer.find(b"\r\n", 0, _LINE_BYTES)
    if end < 0:
        if len(buffer) >= _LINE_BYTES or b"\n" in buffer:
            raise _broken()
        return None
    line = bytes(buffer[:end])
    del buffer[: end + 2]
    return line


def _move(buffer: bytearray, size: int, to: BytesIO) -> int:
    """Move up to `size` bytes from the front of the buffer; return how many went."""
    if len(buffer) <= size:
        moved = to.write(buffer)
        buffer.clear()
        return moved
    with memoryview(buffer) as view:
        moved = to.write(view[:size])
    del buffer[:size]
    return moved


def _broken() -> Refusal:
    return Refusal(400, "bad_chunk", "The chunked request body is malformed (RFC 9112, 7.1).")

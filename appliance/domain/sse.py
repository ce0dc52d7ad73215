"""Server-sent events, both ways (WHATWG HTML, section 9.2); bytes in, no I/O."""

from __future__ import annotations

import re

_LINE_END = re.compile(rb"\r\n|\n|\r")


def encode(data: bytes) -> bytes:
    """One event that carries `data`, which is JSON and so has no line breaks."""
    return b"data: " + data + b"\n\n"


def named(name: str, data: bytes) -> bytes:
    """One event that has a name."""
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"


def comment(text: str) -> bytes:
    """A line that clients ignore: it keeps a silent stream alive."""
    return b": " + text.encode() + b"\n\n"


class Decoder:
    """Turns bytes, cut anywhere, into the data of whole events.

    Lines may end in LF, CR or CRLF; an event without data is none; an unfinished event is dropped
    at the end of the stream, as the standard says.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        """The data of each event that `chunk` completes."""
        # A CR at the very end may be half of a CRLF: it waits for its other half.
        buffer = self._rest + chunk
        held = b"\r" if buffer.endswith(b"\r") else b""
        *lines, rest = _LINE_END.split(buffer[: len(buffer) - len(held)])
        self._rest = rest + held
        events = []
        for line in lines:
            if not line and self._data:
                events.append(b"\n".join(self._data))
                self._data = []
            elif line == b"data":
                self._data.append(b"")
            elif line.startswith(b"data:"):
                self._data.append(line[6:] if line[5:6] == b" " else line[5:])
        return events

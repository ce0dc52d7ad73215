"""Server-sent events (WHATWG HTML, section 9.2): the data of each, from bytes cut anywhere.

Only whole lines are looked at, so a character that is cut in two is put together before it is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_LINE_END = re.compile(rb"\r\n|\n|\r")


def events(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The data of every whole event; one that is not finished at the end is none."""
    data: list[bytes] = []
    for line in _lines(chunks):
        if not line and data:
            yield b"\n".join(data)
            data = []
        elif line == b"data" or line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        rest += chunk
        # A CR at the end may be half of a CRLF: it waits for its other half.
        held = b"\r" if rest.endswith(b"\r") else b""
        *lines, rest = _LINE_END.split(rest.removesuffix(held))
        rest += held
        yield from lines

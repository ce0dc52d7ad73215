"""Text on a terminal: nothing that a model writes may steer it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TextIO

# Control characters but for line feed and tab, C1 among them; what reorders text (Unicode
# Bidirectional Algorithm, 2.1 and 2.2); lone surrogates, which no terminal can be sent.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_DIM, _NORMAL = "\x1b[2m", "\x1b[0m"


def harmless(text: str) -> str:
    """`text` without the characters that a terminal would obey instead of showing."""
    return _UNSAFE.sub("", text)


def can_dim(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether faint text may be asked for (no-color.org, terminfo's "dumb")."""
    terminal = environ.get("TERM", "dumb")
    return stream.isatty() and terminal != "dumb" and not environ.get("NO_COLOR")


class Paper:
    """Writes pieces of text as they come; dimmed ones only where `dims` allows it."""

    def __init__(self, stream: TextIO, *, dims: bool = False) -> None:
        self._stream = stream
        self._dims = dims
        self._dimmed = False
        self._fresh = True

    def write(self, text: str, *, dim: bool = False) -> None:
        """Show a piece at once; text and dimmed text never share a line."""
        text = harmless(text)
        if not text:
            return
        if dim != self._dimmed:
            self.end_line()
            self._dimmed = dim
            if dim and self._dims:
                self._stream.write(_DIM)
        self._stream.write(text)
        self._fresh = text.endswith("\n")
        self._stream.flush()

    def line(self, text: str, *, dim: bool = False) -> None:
        """Show a line of its own."""
        self.end_line()
        self.write(text + "\n", dim=dim)
        self.end_line()

    def end_line(self) -> None:
        """Go back to normal text at the start of a line."""
        if self._dimmed and self._dims:
            self._stream.write(_NORMAL)
        self._dimmed = False
        if not self._fresh:
            self._stream.write("\n")
            self._fresh = True
        self._stream.flush()

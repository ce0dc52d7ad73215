"""Text from bytes that a tokenizer cut anywhere."""

from __future__ import annotations

import codecs


class Joiner:
    """Holds back the first bytes of a character until its last one arrives."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def feed(self, data: bytes) -> str:
        """The whole characters so far; wrong bytes become U+FFFD."""
        return self._decoder.decode(data)

    def close(self) -> str:
        """What is left at the end: U+FFFD if a character was never finished."""
        return self._decoder.decode(b"", final=True)

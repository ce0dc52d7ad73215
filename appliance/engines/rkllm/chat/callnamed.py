"""One tool call whose name stands before its arguments, read as it comes: `name[ARGS]{...}`.

So Mistral's models since version 11 of their tokenizer write them; some put an id in between,
`name[CALL_ID]9 characters[ARGS]{...}`.
"""

from __future__ import annotations

from collections.abc import Collection

from appliance.engines.rkllm.chat.calljson import SPACE, Extent, NoCall, Place

MARKER = "[ARGS]"
_ID = "[CALL_ID]"
_LONGEST_ID = 64


class NamedCallReader:
    """Reads one call, a character at a time, as `calljson.CallReader` does."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self._head = ""
        self._raw: list[str] = []
        self._new: list[str] = []
        self._extent: Extent | None = None  # of the arguments, once they have begun
        self.name = ""
        self.done = False

    @property
    def begun(self) -> bool:
        """Whether it is certain that this is a call."""
        return self._extent is not None

    @property
    def raw(self) -> str:
        """Everything that was read."""
        return "".join(self._raw)

    def feed(self, char: str) -> None:
        """Read one character; raises NoCall, and that character is not part of `raw`."""
        if not self.name:
            self._read_head(char)
        elif self.begun or char not in SPACE:
            self._read_arguments(char)
        self._raw.append(char)

    def take(self) -> str:
        """The arguments that came since the last time."""
        new = "".join(self._new)
        self._new.clear()
        return new

    def _read_head(self, char: str) -> None:
        head = self._head + char
        name, mark, rest = head.partition("[")
        name = name.strip(SPACE)
        if mark and name not in self._names:
            raise NoCall
        if not any(each.startswith(name) for each in self._names) or not _goes_on(mark + rest):
            raise NoCall
        self._head = head
        if head.endswith(MARKER):
            self.name = name

    def _read_arguments(self, char: str) -> None:
        if self._extent is None:
            if char != "{":
                raise NoCall
            self._extent = Extent()
        self.done = self._extent.feed(char) is Place.LAST
        self._new.append(char)


def _goes_on(marks: str) -> bool:
    """Whether `marks` may be, or become, what stands between name and arguments."""
    if marks.startswith(_ID):
        return len(marks) <= len(_ID) + _LONGEST_ID + len(MARKER)
    return MARKER.startswith(marks) or _ID.startswith(marks)

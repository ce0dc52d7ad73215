"""One tool call as JSON, read as it comes: `{"name": ..., "arguments": {...}}` in any order."""

from __future__ import annotations

from collections.abc import Container
from enum import Enum, auto
from typing import Any

import msgspec

SPACE = " \t\r\n"
_ARGUMENTS = ("arguments", "parameters")


class _State(Enum):
    OPEN = auto()
    KEY = auto()
    COLON = auto()
    VALUE = auto()
    INSIDE = auto()
    COMMA = auto()
    DONE = auto()


class NoCall(Exception):
    """What was read is no call of an offered tool."""


class CallReader:
    """Reads one call, a character at a time.

    The call has `begun` when its name is known and its arguments have begun, which is when they
    may be told piece by piece; it is `done` with the last brace. Arguments are what the model
    wrote, right or wrong; a model that put them into a string gets them out of it.
    """

    def __init__(self, names: Container[str]) -> None:
        self._names = names
        self._state = _State.OPEN
        self._extent = Extent()
        self._key: str | None = None
        self._value: list[str] = []
        self._raw: list[str] = []
        self._arguments: list[str] | None = None
        self.name = ""

    @property
    def done(self) -> bool:
        """Whether the call is complete."""
        return self._state is _State.DONE

    @property
    def begun(self) -> bool:
        """Whether it is certain that this is a call."""
        return bool(self.name) and self._arguments is not None

    @property
    def raw(self) -> str:
        """Everything that was read."""
        return "".join(self._raw)

    def feed(self, char: str) -> None:
        """Read one character; raises NoCall, and that character is not part of `raw`."""
        if self._state is _State.INSIDE:
            self._inside(char)
        elif char not in SPACE:
            self._between(char)
        self._raw.append(char)

    def take(self) -> str:
        """The arguments that came since the last time."""
        new = "".join(self._arguments or ())
        if self._arguments:
            self._arguments.clear()
        return new

    def _between(self, char: str) -> None:
        match self._state, char:
            case _State.OPEN, "{":
                self._state = _State.KEY
            case _State.KEY, '"':
                self._key = None
                self._begin(char)
            case _State.COLON, ":":
                self._state = _State.VALUE
            case _State.VALUE, _:
                self._begin(char)
            case _State.COMMA, ",":
                self._state = _State.KEY
            case _State.COMMA, "}":
                self._end()
            case _:
                raise NoCall

    def _begin(self, char: str) -> None:
        self._state, self._extent, self._value = _State.INSIDE, Extent(), []
        if self.name and self._is_arguments() and char == "{":
            # From here on the value is told as it comes.
            self._value = self._arguments = []
        self._inside(char)

    def _is_arguments(self) -> bool:
        return self._key in _ARGUMENTS and self._arguments is None

    def _inside(self, char: str) -> None:
        place = self._extent.feed(char)
        if place is not Place.BEHIND:
            self._value.append(char)
        if place is not Place.WITHIN:
            self._member()
        if place is Place.BEHIND and char not in SPACE:
            self._between(char)

    def _member(self) -> None:
        """A key or a value is complete."""
        if self._key is None:
            self._key, self._state = str(_decoded("".join(self._value))), _State.COLON
            return
        self._state = _State.COMMA
        if self._key == "name":
            name = _decoded("".join(self._value))
            if not isinstance(name, str) or name not in self._names:
                raise NoCall
            self.name = name
        elif self._is_arguments():
            self._arguments = [_object("".join(self._value))]

    def _end(self) -> None:
        if not self.name:
            raise NoCall
        if self._arguments is None:
            self._arguments = ["{}"]
        self._state = _State.DONE


class Place(Enum):
    """Where a character stands to a value."""

    WITHIN = auto()
    LAST = auto()
    BEHIND = auto()


class Extent:
    """Finds the end of a JSON value by its quotes and brackets; what is between may be anything."""

    def __init__(self) -> None:
        self._depth = 0
        self._quoted = False
        self._escaped = False

    def feed(self, char: str) -> Place:
        """Whether `char` is within the value, its last one, or already behind it."""
        if self._escaped:
            self._escaped = False
        elif self._quoted:
            self._escaped = char == "\\"
            self._quoted = char != '"'
            if not self._quoted and not self._depth:
                return Place.LAST
        elif char == '"':
            self._quoted = True
        elif char in "{[":
            self._depth += 1
        elif char in "}]" and self._depth:
            self._depth -= 1
            return Place.WITHIN if self._depth else Place.LAST
        elif not self._depth and (char in ",}]" or char in SPACE):
            return Place.BEHIND
        return Place.WITHIN


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError) as error:
        raise NoCall from error


def _object(text: str) -> str:
    """The arguments as the text of a JSON object."""
    value = text if text.startswith("{") else _decoded(text)
    if value is None:
        return "{}"
    if isinstance(value, str) and value.lstrip(SPACE).startswith("{"):
        return value
    raise NoCall

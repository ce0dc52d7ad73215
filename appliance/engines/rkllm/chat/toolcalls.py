"""Tool calls in a model's text, found while it comes; all else stays what the model says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from enum import Enum, auto

from appliance.domain.events import Content, ToolCallDelta
from appliance.domain.messages import ToolDefinition
from appliance.domain.stops import overlap
from appliance.engines.rkllm.chat.calljson import SPACE, CallReader, NoCall
from appliance.engines.rkllm.chat.toolformats import ToolFormat


class _State(Enum):
    START = auto()  # before the first character that is not white space
    TEXT = auto()
    OPENED = auto()  # behind an opening, before a brace
    CALL = auto()
    AFTER = auto()  # behind a call, before its closing or the next one


class ToolCallParser:
    """Text in, pieces of content and of calls out, the same for any cut of the text.

    A call must name one of `tools`; what only looks like a call is told as content, as it was
    written. White space around calls is layout and is not told. The first piece of a call has its
    id and name, all have arguments; it ends where the next begins, or with the answer.
    Without `parallel` everything behind the first call is dropped: `finished` says that the run
    may be ended.
    """

    def __init__(
        self,
        format: ToolFormat,
        tools: Iterable[ToolDefinition],
        *,
        parallel: bool = True,
        new_id: Callable[[], str] | None = None,
    ) -> None:
        self._format = format
        self._names = frozenset(tool.name for tool in tools)
        self._parallel = parallel
        self._new_id = new_id or format.new_id
        self._state = _State.START if format.bare else _State.TEXT
        self._held = ""  # read, but not told yet
        self._in_list = False
        self._reader = CallReader(self._names)
        self._told = False  # whether the call that is being read was
        self._fresh = False  # whether nothing was told since the last call
        self._events: list[Content | ToolCallDelta] = []
        self.calls = 0
        self.finished = False

    def feed(self, text: str) -> list[Content | ToolCallDelta]:
        """What is certain now."""
        steps = {
            _State.START: self._start,
            _State.TEXT: self._text,
            _State.OPENED: self._opened,
            _State.CALL: self._call,
            _State.AFTER: self._after,
        }
        while text and not self.finished:
            text = steps[self._state](text)
        return self._take()

    def finish(self) -> list[Content | ToolCallDelta]:
        """What was held back; a call that is not complete and was not told yet is content."""
        if not self.finished and self._state is not _State.AFTER and not self._told:
            self._say(self._held + self._reader.raw)
        self.finished = True
        return self._take()

    # Each step takes text that is not empty, and returns what it leaves to the next one.

    def _start(self, text: str) -> str:
        begin = text.lstrip(SPACE)
        space = self._held + text[: len(text) - len(begin)]
        if begin.startswith(self._format.bare):
            self._open(space)
        elif begin:
            self._held, self._state = "", _State.TEXT
            return space + begin
        else:
            self._held = space
        return begin

    def _text(self, text: str) -> str:
        text, self._held = self._held + text, ""
        if self._fresh:
            text = text.lstrip(SPACE)
        before, opening, rest = text.partition(self._format.opening)
        if opening:
            said = before.rstrip(SPACE)
            self._say(said)
            self._open(before[len(said) :] + opening)
            return rest
        safe = len(text[: len(text) - overlap(text, self._format.opening)].rstrip(SPACE))
        self._say(text[:safe])
        self._held = text[safe:]
        return ""

    def _open(self, held: str) -> None:
        self._state, self._held, self._in_list = _State.OPENED, held, False

    def _opened(self, text: str) -> str:
        char = text[0]
        if char == "{":
            self._state, self._told = _State.CALL, False
            self._reader = CallReader(self._names)
            return text
        bracket = char == "[" and self._format.listed and not self._in_list
        if not bracket and char not in SPACE:
            self._give_back()
            return text
        self._in_list |= bracket
        self._held += char
        return text[1:]

    def _call(self, text: str) -> str:
        reader = self._reader
        for at, char in enumerate(text):
            try:
                reader.feed(char)
            except NoCall:
                if self._told:
                    self._end_call()
                else:
                    self._give_back()
                return text[at:]
            if reader.begun:
                self._tell(reader)
            if reader.done:
                self._end_call()
                return text[at + 1 :]
        return ""

    def _after(self, text: str) -> str:
        char, closing = text[0], self._format.closing
        seen = (self._held + char).lstrip(SPACE)
        if closing and closing.startswith(seen):
            self._held = "" if seen == closing else self._held + char
            self._state = _State.TEXT if seen == closing else _State.AFTER
        elif not closing and (char in SPACE or char == self._separator()):
            self._held += char
        elif not closing and char == "{" and self._state_allows_another():
            self._state = _State.OPENED
            return text
        elif self._in_list and char == "]":
            self._held, self._state = "", _State.TEXT
        else:
            self._state = _State.TEXT
            return text
        return text[1:]


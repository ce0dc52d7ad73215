"""Tool calls in a model's text, found while it comes; all else stays what the model says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from enum import Enum, auto

from appliance.domain.events import Content, ToolCallDelta
from appliance.domain.messages import ToolDefinition
from appliance.domain.stops import overlap
from appliance.engines.rkllm.chat.calljson import SPACE, CallReader, NoCall
from appliance.engines.rkllm.chat.callnamed import NamedCallReader
from appliance.engines.rkllm.chat.toolformats import ToolFormat

_Reader = CallReader | NamedCallReader


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
        self._reader = self._new_reader()
        self._told = False  # whether the call that is being read was
        self._fresh = False  # whether nothing was told since the last call
        self._events: list[Content | ToolCallDelta] = []
        self._steps = {
            _State.START: self._start,
            _State.TEXT: self._text,
            _State.OPENED: self._opened,
            _State.CALL: self._call,
            _State.AFTER: self._after,
        }
        self.calls = 0
        self.finished = False

    def feed(self, text: str) -> list[Content | ToolCallDelta]:
        """What is certain now."""
        while text and not self.finished:
            text = self._steps[self._state](text)
        return self._take()

    def finish(self) -> list[Content | ToolCallDelta]:
        """What was held back; a call that is not complete and was not told yet is content."""
        if not self.finished and self._state is not _State.AFTER and not self._told:
            self._say(self._held + self._reader.raw)
        self.finished = True
        return self._take()

    # Each step takes text that is not empty, and returns what it leaves to the next one.

    def _start(self, text: str) -> str:
        text, self._held = self._held + text, ""
        begin = text.lstrip(SPACE)
        opening, bare = self._format.opening, self._format.bare
        if opening.startswith(begin) and begin != opening:
            self._held = text
            return ""
        if begin.startswith(bare) and not begin.startswith(opening):
            self._open(text[: len(text) - len(begin)])
            return begin
        self._state = _State.TEXT
        return text

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
        if char not in SPACE if self._format.marker else char == "{":
            self._state, self._told = _State.CALL, False
            self._reader = self._new_reader()
            return text
        bracket = char == "[" and self._format.listed and not self._in_list
        if not bracket and char not in SPACE:
            self._give_back()
            return text
        self._in_list |= bracket
        self._held += char
        return text[1:]

    def _call(self, text: str) -> str:
        reader, read, broken = self._reader, 0, False
        for char in text:
            try:
                reader.feed(char)
            except NoCall:
                broken = True
                break
            read += 1
            if reader.done:
                break
        if reader.begun:
            self._tell(reader)
        if broken and not self._told:
            self._give_back()
        elif broken or reader.done:
            self._end_call()
        return text[read:]

    def _after(self, text: str) -> str:
        char, format = text[0], self._format
        seen = (self._held + char).lstrip(SPACE)
        more = self._in_list or not (format.listed or format.closing)
        if (format.closing and seen == format.closing) or (self._in_list and char == "]"):
            self._held, self._state = "", _State.TEXT
        elif (
            char in SPACE or format.closing.startswith(seen) or (more and char == format.separator)
        ):
            self._held += char
        else:
            self._state = _State.OPENED if more and char == "{" else _State.TEXT
            return text
        return text[1:]

    def _tell(self, reader: _Reader) -> None:
        arguments = reader.take()
        last = self._events[-1] if self._events else None
        if not self._told:
            self._events.append(ToolCallDelta(self.calls, arguments, self._new_id(), reader.name))
            self._told, self._held = True, ""
            self.calls += 1
        elif isinstance(last, ToolCallDelta):
            self._events[-1] = replace(last, arguments=last.arguments + arguments)
        elif arguments:
            self._events.append(ToolCallDelta(self.calls - 1, arguments))

    def _end_call(self) -> None:
        self._state, self._held, self._told, self._fresh = _State.AFTER, "", False, True
        self._reader = self._new_reader()
        self.finished = not self._parallel

    def _give_back(self) -> None:
        self._say(self._held + self._reader.raw)
        self._state, self._held = _State.TEXT, ""
        self._reader = self._new_reader()

    def _new_reader(self) -> _Reader:
        kind = NamedCallReader if self._format.marker else CallReader
        return kind(self._names)

    def _say(self, text: str) -> None:
        if not text:
            return
        self._fresh = False
        last = self._events[-1] if self._events else None
        if isinstance(last, Content):
            self._events[-1] = Content(last.text + text)
        else:
            self._events.append(Content(text))

    def _take(self) -> list[Content | ToolCallDelta]:
        events, self._events = self._events, []
        return events

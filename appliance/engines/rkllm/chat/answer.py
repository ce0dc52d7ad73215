"""A model's bytes as events: characters, stop strings, thoughts, tool calls, in this order."""

from __future__ import annotations

from collections.abc import Iterable

from appliance.domain.events import Content, Reasoning, ToolCallDelta
from appliance.domain.stops import StopScanner
from appliance.domain.utf8 import Joiner
from appliance.engines.rkllm.chat.reasoning import ReasoningSplitter
from appliance.engines.rkllm.chat.toolcalls import ToolCallParser

Piece = Content | Reasoning | ToolCallDelta


class AnswerReader:
    """Reads one answer. When it has `stopped` the run may be ended: nothing more will be told.

    `said` are the first characters of a forced tool call, which stand in the prompt.
    """

    def __init__(
        self,
        splitter: ReasoningSplitter,
        parser: ToolCallParser | None = None,
        stops: tuple[str, ...] = (),
        said: str = "",
    ) -> None:
        self._joiner = Joiner()
        self._scanner = StopScanner(stops)
        self._splitter = splitter
        self._parser = parser
        self._said = said

    @property
    def stopped(self) -> bool:
        """Whether a stop string came, or the only call that is allowed is complete."""
        return self._scanner.stopped or (self._parser is not None and self._parser.finished)

    @property
    def word(self) -> str:
        """The stop string that came, "" if none did."""
        return self._scanner.word

    @property
    def calls(self) -> int:
        """How many tool calls were told."""
        return 0 if self._parser is None else self._parser.calls

    def feed(self, data: bytes) -> list[Piece]:
        """What is certain now; `data` may end in the middle of a character."""
        return self._read(self._scanner.feed(self._joiner.feed(data)))

    def finish(self) -> list[Piece]:
        """What was held back."""
        rest = self._scanner.feed(self._joiner.close()) + self._scanner.close()
        events = self._read(rest) + self._parsed(self._splitter.finish())
        return events + (self._parser.finish() if self._parser else [])

    def _read(self, text: str) -> list[Piece]:
        events: list[Piece] = []
        if self._said and self._parser is not None:
            events += self._parser.feed(self._said)
            self._said = ""
        return events + self._parsed(self._splitter.feed(text))

    def _parsed(self, pieces: Iterable[Content | Reasoning]) -> list[Piece]:
        events: list[Piece] = []
        for piece in pieces:
            if self._parser is not None and isinstance(piece, Content):
                events += self._parser.feed(piece.text)
            else:
                events.append(piece)
        return events

"""A model's bytes as events: whole characters, no stop strings, thoughts apart, calls found."""

from __future__ import annotations

from appliance.domain.events import Content, Reasoning, ToolCallDelta
from appliance.domain.stops import StopScanner
from appliance.domain.utf8 import Joiner
from appliance.engines.rkllm.chat.reasoning import ReasoningSplitter
from appliance.engines.rkllm.chat.toolcalls import ToolCallParser

Piece = Content | Reasoning | ToolCallDelta


class Reply:
    """One answer. `opening` is how it began in the prompt already.

    `ended` says that nothing more is wanted: a stop string came, or the only call that was asked
    for. `calls` are the names of the tools called so far.
    """

    def __init__(
        self,
        stops: tuple[str, ...] = (),
        splitter: ReasoningSplitter | None = None,
        parser: ToolCallParser | None = None,
        opening: str = "",
    ) -> None:
        self._joiner = Joiner()
        self._scanner = StopScanner(stops)
        self._splitter = splitter
        self._parser = parser
        self.calls: list[str] = []
        self.ended = False
        self._waiting = [] if parser is None else self._noted(parser.feed(opening))

    def feed(self, data: bytes) -> list[Piece]:
        """What is certain now."""
        pieces, self._waiting = self._waiting, []
        pieces += self._read(self._scanner.feed(self._joiner.feed(data)))
        wanted_no_more = self._parser is not None and self._parser.finished
        self.ended = self._scanner.stopped or wanted_no_more
        return pieces

    def finish(self) -> list[Piece]:
        """The rest."""
        pieces, self._waiting = self._waiting, []
        pieces += self._read(self._scanner.feed(self._joiner.close()) + self._scanner.close())
        if self._splitter is not None:
            for piece in self._splitter.finish():
                pieces += self._parsed(piece)
        if self._parser is not None:
            pieces += self._noted(self._parser.finish())
        return pieces

    def _read(self, text: str) -> list[Piece]:
        if not text:
            return []
        if self._splitter is None:
            return self._parsed(Content(text))
        return [piece for part in self._splitter.feed(text) for piece in self._parsed(part)]

    def _parsed(self, piece: Content | Reasoning) -> list[Piece]:
        if self._parser is None or isinstance(piece, Reasoning):
            return [piece]
        return self._noted(self._parser.feed(piece.text))

    def _noted(self, pieces: list[Content | ToolCallDelta]) -> list[Piece]:
        for piece in pieces:
            if isinstance(piece, ToolCallDelta) and piece.name is not None:
                self.calls.append(piece.name)
        return list(pieces)

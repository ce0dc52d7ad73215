"""An answer as a row of blocks, the way some dialects tell it: thoughts, text, each tool call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from appliance.domain.events import Content, Event, Reasoning, ToolCallDelta

Kind = Literal["text", "thought", "call"]


@dataclass(slots=True, eq=False)
class Block:
    """Text or thoughts without a break, or one tool call, whose text is its arguments."""

    index: int
    kind: Kind
    id: str = ""
    name: str = ""
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All that was said in it so far."""
        return "".join(self.pieces)


@dataclass(frozen=True, slots=True)
class Begin:
    """A block begins, still empty."""

    block: Block


@dataclass(frozen=True, slots=True)
class Piece:
    """More of a block."""

    block: Block
    text: str


@dataclass(frozen=True, slots=True)
class End:
    """A block is whole."""

    block: Block


Step = Begin | Piece | End


class Blocks:
    """Puts events in blocks; one is open at a time, and `row` has all of them."""

    def __init__(self) -> None:
        self.row: list[Block] = []
        self._open: Block | None = None
        self._call = -1

    def add(self, event: Event) -> Iterator[Step]:
        """What an event means for the blocks; events that say nothing mean nothing."""
        match event:
            case Content(text) if text:
                yield from self._say("text", text)
            case Reasoning(text) if text:
                yield from self._say("thought", text)
            case ToolCallDelta():
                yield from self._call_on(event)

    def end(self) -> Iterator[Step]:
        """Close the block that is open, if there is one."""
        if self._open is not None:
            yield End(self._open)
        self._open = None

    def _say(self, kind: Kind, text: str) -> Iterator[Step]:
        if self._open is None or self._open.kind != kind:
            yield from self._begin(Block(len(self.row), kind))
        yield from self._go_on(text)

    def _call_on(self, call: ToolCallDelta) -> Iterator[Step]:
        if self._open is None or self._open.kind != "call" or self._call != call.index:
            self._call = call.index
            block = Block(len(self.row), "call", call.id or "", call.name or "")
            yield from self._begin(block)
        if call.arguments:
            yield from self._go_on(call.arguments)

    def _begin(self, block: Block) -> Iterator[Step]:
        yield from self.end()
        self._open = block
        self.row.append(block)
        yield Begin(block)

    def _go_on(self, text: str) -> Iterator[Step]:
        assert self._open is not None
        self._open.pieces.append(text)
        yield Piece(self._open, text)


def whole(events: Iterable[Event]) -> list[Block]:
    """The blocks of an answer that is over."""
    blocks = Blocks()
    for event in events:
        for _ in blocks.add(event):
            pass
    return blocks.row

"""Answers that must have a form, from a runtime that cannot be bound to one: asked for again."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

from appliance.domain.events import Content, Event, Finish, Reasoning, ToolCallDelta, Usage
from appliance.domain.requests import ChatRequest
from appliance.engines.rkllm.chat.answer import Piece
from appliance.engines.rkllm.chat.jsonmode import ATTEMPTS, JsonMode
from appliance.engines.rkllm.chat.toolchoice import missing_call
from appliance.errors import EngineError


@dataclass(frozen=True, slots=True)
class Ending:
    """How one answer ended, and how many tools it called."""

    finish: Finish
    calls: int


Turn = Callable[[ChatRequest], Generator[Piece, None, Ending]]


def chat(request: ChatRequest, turn: Turn) -> Iterator[Event]:
    """The events of `turn`, as often as the wanted form needs, at most `ATTEMPTS` times."""
    if request.response_format.kind != "text":
        return _json(request, turn)
    if request.tool_choice.mode == "required" and request.tools:
        return _call(request, turn)
    return _plain(request, turn)


def _plain(request: ChatRequest, turn: Turn) -> Generator[Event]:
    ending = yield from turn(request)
    yield ending.finish


def _call(request: ChatRequest, turn: Turn) -> Generator[Event]:
    """What comes before the call is held back: if none comes, it was the wrong answer."""
    usage, problem = Usage(), ""
    for _ in range(ATTEMPTS):
        with closing(turn(request)) as answer:
            held, ending = _gathered(answer, until=ToolCallDelta)
            if ending is None:
                yield from held
                held, ending = [], (yield from answer)
        usage += ending.finish.usage
        problem = "" if ending.calls else missing_call(request, ())
        if not problem or ending.finish.reason == "length":
            yield from held
            yield replace(ending.finish, usage=usage)
            return
    raise EngineError(f"{problem} Ask again, or offer the tools without requiring them.")


def _json(request: ChatRequest, turn: Turn) -> Generator[Event]:
    """The JSON of the first answer that has any; the last answer if none has."""
    mode = JsonMode(request.response_format)
    messages = mode.instruct(request.messages)
    usage = Usage()
    for left in reversed(range(ATTEMPTS)):
        with closing(turn(replace(request, messages=messages))) as answer:
            pieces, ending = _gathered(answer)
        assert ending is not None
        usage += ending.finish.usage
        text = "".join(piece.text for piece in pieces if isinstance(piece, Content))
        checked = mode.check(text)
        final = not checked.problem or ending.calls or ending.finish.reason == "length"
        if final or not left:
            yield from (piece for piece in pieces if isinstance(piece, Reasoning))
            yield Content(text if ending.calls else checked.text)
            yield from (piece for piece in pieces if isinstance(piece, ToolCallDelta))
            yield replace(ending.finish, usage=usage)
            return
        messages = mode.retry(messages, text, checked.problem)


def _gathered(
    answer: Generator[Piece, None, Ending], until: type[ToolCallDelta] | None = None
) -> tuple[list[Piece], Ending | None]:
    """The pieces up to one of a kind, or all of them and how it ended."""
    pieces: list[Piece] = []
    while until is None or not pieces or not isinstance(pieces[-1], until):
        try:
            pieces.append(next(answer))
        except StopIteration as stop:
            ending: Ending = stop.value
            return pieces, ending
    return pieces, None

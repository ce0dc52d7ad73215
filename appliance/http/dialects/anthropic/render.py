"""Events as Anthropic's messages and events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from appliance.domain import sse
from appliance.domain.events import Event, Finish, Progress, Queued, Usage
from appliance.errors import LunaError
from appliance.http.blocks import Begin, Block, Blocks, End, Piece, Step, whole
from appliance.http.dialects.anthropic import answers
from appliance.http.dialects.anthropic.errors import error_body
from appliance.http.streamed import Streamed
from appliance.serving.answer import EventStream

_encode = msgspec.json.Encoder().encode
_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}


@dataclass(frozen=True, slots=True)
class Head:
    """What an answer begins with."""

    id: str
    model: str
    request_id: str


def message(head: Head, events: EventStream) -> answers.AnthropicMessage:
    """The whole answer; raises what the engine raises, and always closes the events."""
    try:
        told = [item.event for item in events]
    finally:
        events.close()
    ends = [event for event in told if isinstance(event, Finish)]
    finish = ends[-1] if ends else Finish("stop", Usage())
    ending = _ending(finish)
    return answers.AnthropicMessage(
        id=head.id,
        model=head.model,
        content=[_content(block) for block in whole(told)],
        usage=_usage(finish.usage),
        stop_reason=ending.stop_reason,
        stop_sequence=ending.stop_sequence,
    )


class MessageStream(Streamed):
    """The events of an answer; pings keep a silent connection alive."""

    def __init__(self, head: Head, events: EventStream) -> None:
        super().__init__(events)
        self._head = head
        self._blocks = Blocks()
        self._begun = False

    def pieces(self, event: Event) -> Iterator[bytes]:
        """Prefill tells how many tokens go in, so it begins the message."""
        if isinstance(event, Queued) or (isinstance(event, Progress) and self._begun):
            yield _event(answers.AnthropicPing())
            return
        if not self._begun:
            self._begun = True
            yield _event(self._start(event))
        for step in self._blocks.add(event):
            yield _event(_step(step))
        if isinstance(event, Finish):
            for step in self._blocks.end():
                yield _event(_step(step))
            yield _event(answers.AnthropicMessageDelta(_ending(event), _usage(event.usage)))
            yield _event(answers.AnthropicMessageStop())

    def failure(self, error: LunaError) -> Iterator[bytes]:
        """An event named error."""
        yield _event(error_body(error, self._head.request_id))

    def _start(self, event: Event) -> answers.AnthropicMessageStart:
        usage = Usage()
        if isinstance(event, Progress):
            usage = Usage(event.total, 0, event.cached)
        begun = answers.AnthropicMessage(self._head.id, self._head.model, [], _usage(usage))
        return answers.AnthropicMessageStart(begun)


def _event(event: answers.AnthropicEvent) -> bytes:
    return sse.named(str(event.__struct_config__.tag), _encode(event))


def _step(step: Step) -> answers.AnthropicEvent:
    match step:
        case Begin(block):
            empty = Block(block.index, block.kind, block.id, block.name)
            return answers.AnthropicBlockStart(block.index, _content(empty))
        case Piece(block, text):
            return answers.AnthropicBlockDelta(block.index, _delta(block, text))
        case End(block):
            return answers.AnthropicBlockStop(block.index)


def _delta(block: Block, text: str) -> answers.AnthropicDelta:
    match block.kind:
        case "text":
            return answers.AnthropicTextDelta(text)
        case "thought":
            return answers.AnthropicThoughtDelta(text)
        case "call":
            return answers.AnthropicInputDelta(text)


def _content(block: Block) -> answers.AnthropicContent:
    match block.kind:
        case "text":
            return answers.AnthropicText(block.text)
        case "thought":
            return answers.AnthropicThought(block.text)
        case "call":
            return answers.AnthropicToolUse(block.id, block.name, _input(block.text))


def _input(text: str) -> dict[str, Any]:
    """The arguments; a call that was cut by its length has none that could be told."""
    try:
        return msgspec.json.decode(text or "{}", type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError):
        return {}


def _ending(finish: Finish) -> answers.AnthropicEnding:
    if finish.reason == "stop" and finish.word:
        return answers.AnthropicEnding("stop_sequence", finish.word)
    return answers.AnthropicEnding(_REASONS[finish.reason], None)


def _usage(usage: Usage) -> answers.AnthropicUsage:
    return answers.AnthropicUsage(
        input_tokens=usage.prompt - usage.cached,
        output_tokens=usage.completion,
        cache_read_input_tokens=usage.cached,
    )

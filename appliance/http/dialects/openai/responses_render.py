"""Events as a response, or as the events of one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from appliance.domain import sse
from appliance.domain.events import Event, Finish, Progress, Queued, Usage
from appliance.errors import LunaError
from appliance.http.blocks import Begin, Block, Blocks, End, Piece, Step, whole
from appliance.http.dialects.openai import responses_answers as answers
from appliance.http.dialects.openai import responses_events as told
from appliance.http.dialects.openai.responses_requests import ResponsesBody
from appliance.http.streamed import Streamed, news
from appliance.serving.answer import EventStream

_encode = msgspec.json.Encoder().encode
_PREFIXES = {"text": "msg", "thought": "rs", "call": "fc"}


@dataclass(frozen=True, slots=True)
class Head:
    """What a response begins with: `token` makes its id and those of its items.

    `keep` keeps the whole response and says whether it could; None where it is not wanted.
    """

    token: str
    created: float
    model: str
    body: ResponsesBody
    clock: Callable[[], float]
    keep: Callable[[answers.ResponsesAnswer], bool] | None = None


def response(head: Head, events: EventStream) -> answers.ResponsesAnswer:
    """The whole response; raises what the engine raises, and always closes the events."""
    try:
        said = [item.event for item in events]
    finally:
        events.close()
    ends = [event for event in said if isinstance(event, Finish)]
    return _ended(head, whole(said), ends[-1] if ends else Finish("stop", Usage()))


class ResponseStream(Streamed):
    """The events of a response."""

    def __init__(self, head: Head, events: EventStream) -> None:
        super().__init__(events)
        self._head = head
        self._blocks = Blocks()
        self._number = -1

    def pieces(self, event: Event) -> Iterator[bytes]:
        """Comments keep a silent connection alive."""
        if self._number < 0:
            begun = _answer(self._head, "in_progress", [], store=self._head.keep is not None)
            yield self._event(told.ResponsesCreated, response=begun)
            yield self._event(told.ResponsesInProgress, response=begun)
        if isinstance(event, Queued | Progress):
            if text := news(event):
                yield sse.comment(text)
            return
        for step in self._blocks.add(event):
            yield from self._step(step, "completed")
        if isinstance(event, Finish):
            yield from self._end(event)

    def failure(self, error: LunaError) -> Iterator[bytes]:
        """The response as far as it came, and why it came no further."""
        for step in self._blocks.end():
            yield from self._step(step, "incomplete")
        reason = answers.ResponsesError(error.code, error.message)
        output = _items(self._head, self._blocks.row, "incomplete")
        failed = _answer(self._head, "failed", output, error=reason, store=False)
        yield self._event(told.ResponsesFailed, response=failed)

    def _end(self, finish: Finish) -> Iterator[bytes]:
        for step in self._blocks.end():
            yield from self._step(step, _status(finish))
        done = _ended(self._head, self._blocks.row, finish)
        kind = told.ResponsesCompleted if done.status == "completed" else told.ResponsesIncompleted
        yield self._event(kind, response=done)

    def _step(self, step: Step, status: answers.Status) -> Iterator[bytes]:
        block = step.block
        item_id = _id(self._head, block)
        place = {"item_id": item_id, "output_index": block.index}
        match step:
            case Begin():
                empty = Block(block.index, block.kind, block.id, block.name)
                item = _item(self._head, empty, "in_progress", empty=True)
                yield self._event(told.ResponsesItemAdded, output_index=block.index, item=item)
                if block.kind != "call":
                    yield self._event(told.ResponsesPartAdded, **place, part=_part(empty))
            case Piece(_, text):
                yield self._event(_DELTAS[block.kind], **place, delta=text)
            case End():
                yield from self._whole(block, place)
                item = _item(self._head, block, status)
                yield self._event(told.ResponsesItemDone, output_index=block.index, item=item)

    def _whole(self, block: Block, place: dict[str, Any]) -> Iterator[bytes]:
        if block.kind == "call":
            named = {"name": block.name, "arguments": block.text}
            yield self._event(told.ResponsesArgumentsDone, **place, **named)
            return
        done = told.ResponsesTextDone if block.kind == "text" else told.ResponsesThoughtDone
        yield self._event(done, **place, text=block.text)
        yield self._event(told.ResponsesPartDone, **place, part=_part(block))

    def _event(self, kind: type[told.ResponsesEvent], **fields: Any) -> bytes:
        self._number += 1
        event = kind(sequence_number=self._number, **fields)
        return sse.named(str(kind.__struct_config__.tag), _encode(event))


_DELTAS: dict[str, type[told.ResponsesEvent]] = {
    "text": told.ResponsesTextDelta,
    "thought": told.ResponsesThoughtDelta,
    "call": told.ResponsesArgumentsDelta,
}


def _status(finish: Finish) -> answers.Status:
    return "incomplete" if finish.reason == "length" else "completed"


def _id(head: Head, block: Block) -> str:
    return f"{_PREFIXES[block.kind]}_{head.token}{block.index:02}"


def _part(block: Block) -> answers.Part:
    if block.kind == "text":
        return answers.ResponsesOutputText(block.text)
    return answers.ResponsesReasoningText(block.text)


def _item(head: Head, block: Block, status: answers.Status, *, empty: bool = False) -> answers.Item:
    """A block as an item; one that is `empty` has no parts yet."""
    id = _id(head, block)
    match block.kind:
        case "text":
            said = [] if empty else [answers.ResponsesOutputText(block.text)]
            return answers.ResponsesMessage(id, said, status)
        case "thought":
            thought = [] if empty else [answers.ResponsesReasoningText(block.text)]
            return answers.ResponsesThought(id, thought, status)
        case "call":
            return answers.ResponsesCall(id, block.id, block.name, block.text, status)


def _items(head: Head, row: Sequence[Block], last: answers.Status) -> list[answers.Item]:
    """All blocks as items; only the last one can be cut."""
    ends: list[answers.Status] = ["completed"] * (len(row) - 1)
    return [_item(head, block, status) for block, status in zip(row, [*ends, last], strict=False)]


def _ended(head: Head, row: Sequence[Block], finish: Finish) -> answers.ResponsesAnswer:
    """The whole response, which is kept now where that is wanted: before anybody hears of it."""
    status, usage = _status(finish), finish.usage
    ended = _answer(
        head,
        status,
        _items(head, row, status),
        completed_at=head.clock() if status == "completed" else None,
        incomplete_details=None if status == "completed" else answers.ResponsesIncomplete(),
        usage=answers.ResponsesUsage(
            input_tokens=usage.prompt,
            output_tokens=usage.completion,
            total_tokens=usage.prompt + usage.completion,
            input_tokens_details=answers.ResponsesCached(usage.cached),
        ),
        store=head.keep is not None,
    )
    if head.keep is None or head.keep(ended):
        return ended
    return msgspec.structs.replace(ended, store=False)


def _answer(
    head: Head, status: answers.Status, output: list[answers.Item], *, store: bool, **more: Any
) -> answers.ResponsesAnswer:
    body = head.body
    reasoning = body.reasoning
    form = (body.text.format if body.text else None) or {"type": "text"}
    return answers.ResponsesAnswer(
        id=f"resp_{head.token}",
        created_at=head.created,
        model=head.model,
        status=status,
        output=output,
        instructions=body.instructions,
        max_output_tokens=body.max_output_tokens,
        metadata=body.metadata or {},
        parallel_tool_calls=body.parallel_tool_calls is not False,
        reasoning={
            "effort": reasoning.effort if reasoning else None,
            "summary": reasoning.summary if reasoning else None,
        },
        temperature=body.temperature,
        text={"format": form},
        tool_choice=body.tool_choice or "auto",
        tools=list(body.tools or ()),
        top_p=body.top_p,
        truncation=body.truncation or "disabled",
        previous_response_id=body.previous_response_id,
        store=store,
        **more,
    )

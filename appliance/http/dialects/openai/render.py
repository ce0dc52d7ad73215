"""Events as OpenAI's bodies and chunks."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from msgspec import UNSET, UnsetType

from appliance.domain import sse
from appliance.domain.events import (
    Content,
    Finish,
    Progress,
    Queued,
    Reasoning,
    TokenLogprob,
    ToolCallDelta,
)
from appliance.domain.vectors import shortened
from appliance.errors import LunaError
from appliance.http.collected import Collected
from appliance.http.dialects.llamacpp.answers import TimingsBody, timings_body
from appliance.http.dialects.openai import answers
from appliance.http.errors import openai_error
from appliance.http.streamed import news
from appliance.serving.answer import ChoiceEvent, EventStream

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Head:
    """What every chunk of one answer begins with; `created` is in seconds since the epoch."""

    id: str
    created: int
    model: str
    fingerprint: str


def usage(finishes: Mapping[int, Finish], n: int) -> answers.UsageBody:
    """Token counts by choice index: each prompt counts once, though `n` choices continue it."""
    once = [finish.usage for index, finish in finishes.items() if index % n == 0]
    prompt = sum(each.prompt for each in once)
    completion = sum(finish.usage.completion for finish in finishes.values())
    details = answers.PromptDetails(sum(each.cached for each in once))
    return answers.UsageBody(prompt, completion, prompt + completion, details)


def finishes(choices: Mapping[int, Collected]) -> dict[int, Finish]:
    """The end of each choice that has one."""
    return {index: each.finish for index, each in choices.items() if each.finish is not None}


def chat_completion(
    head: Head, choices: dict[int, Collected], *, alternatives: int
) -> answers.ChatCompletion:
    """The whole answer, with that many alternatives beside each token."""
    return answers.ChatCompletion(
        id=head.id,
        created=head.created,
        model=head.model,
        choices=[_chat_choice(index, each, alternatives) for index, each in choices.items()],
        usage=usage(finishes(choices), len(choices)),
        system_fingerprint=head.fingerprint,
        timings=_timings(choices[0].finish) if len(choices) == 1 else UNSET,
    )


class ChatStream:
    """Chunks of a chat answer, each a whole server-sent event."""

    def __init__(
        self, head: Head, events: EventStream, *, with_usage: bool, alternatives: int
    ) -> None:
        self._head = head
        self._events = events
        self._with_usage = with_usage
        self._alternatives = alternatives

    def close(self) -> None:
        """Stop the generation if it still runs."""
        self._events.close()

    def __iter__(self) -> Iterator[bytes]:
        return stream(self._events, self._pieces, self._last)

    def _pieces(self, item: ChoiceEvent, *, first: bool) -> Iterator[bytes]:
        if first:
            opening = answers.Delta(role="assistant", content="")
            yield self._chunk(answers.ChunkChoice(item.index, opening))
        match item.event:
            case Content(text, logprobs):
                delta = answers.Delta(content=text)
                found = _chat_logprobs(logprobs, self._alternatives)
                yield self._chunk(answers.ChunkChoice(item.index, delta, found))
            case Reasoning(text):
                delta = answers.Delta(reasoning_content=text)
                yield self._chunk(answers.ChunkChoice(item.index, delta))
            case ToolCallDelta() as call:
                delta = answers.Delta(tool_calls=[_called(call)])
                yield self._chunk(answers.ChunkChoice(item.index, delta))
            case Finish(reason) as finish:
                choice = answers.ChunkChoice(item.index, answers.Delta(), finish_reason=reason)
                yield self._chunk(choice, timings=_timings(finish))

    def _last(self, ends: Mapping[int, Finish]) -> Iterator[bytes]:
        if self._with_usage:
            yield self._chunk(None, usage(ends, max(1, len(ends))))

    def _chunk(
        self,
        choice: answers.ChunkChoice | None,
        counts: answers.UsageBody | None = None,
        timings: TimingsBody | UnsetType = UNSET,
    ) -> bytes:
        chunk = answers.ChatChunk(
            id=self._head.id,
            created=self._head.created,
            model=self._head.model,
            choices=[] if choice is None else [choice],
            usage=counts if self._with_usage else UNSET,
            system_fingerprint=self._head.fingerprint,
            timings=timings,
        )
        return sse.encode(_encode(chunk))


def stream(
    events: EventStream,
    pieces: Callable[..., Iterator[bytes]],
    last: Callable[[Mapping[int, Finish]], Iterator[bytes]],
) -> Iterator[bytes]:
    """The frame around every stream: pieces by event, the usage, `[DONE]`, or an error event."""
    seen: set[int] = set()
    ends: dict[int, Finish] = {}
    try:
        for item in events:
            if isinstance(item.event, Queued | Progress):
                if told := news(item.event):
                    yield sse.comment(told)
                continue
            if isinstance(item.event, Finish):
                ends[item.index] = item.event
            yield from pieces(item, first=item.index not in seen)
            seen.add(item.index)
        yield from last(ends)
        yield sse.encode(b"[DONE]")
    except LunaError as error:
        yield sse.encode(_encode(openai_error(error)))
    finally:
        events.close()


def embeddings(
    model: str,
    vectors: Iterable[tuple[float, ...]],
    tokens: int,
    *,
    dimensions: int | None,
    base64_format: bool,
) -> answers.Embeddings:
    """All vectors, cut and encoded as wanted; raises BadRequest for too many dimensions."""
    rows = []
    for index, vector in enumerate(vectors):
        values = shortened(vector, dimensions) if dimensions else vector
        rows.append(answers.EmbeddingRow(index, _base64(values) if base64_format else list(values)))
    return answers.Embeddings(rows, model, answers.EmbeddingUsage(tokens, tokens))


def _timings(finish: Finish | None) -> TimingsBody | UnsetType:
    """The speeds of a run, which clients of llama.cpp show."""
    if finish is None or finish.timings is None:
        return UNSET
    return timings_body(finish.timings, finish.usage.cached)


def _chat_choice(index: int, choice: Collected, alternatives: int) -> answers.ChatChoice:
    text = "".join(choice.text)
    calls = [
        answers.CalledTool(
            id=id, type="function", function=answers.CalledFunction(name=name, arguments=arguments)
        )
        for id, name, arguments in choice.calls.values()
    ]
    message = answers.ChatAnswerMessage(
        content=text if text or not calls else None,
        reasoning_content="".join(choice.reasoning) or UNSET,
        tool_calls=calls or UNSET,
    )
    reason = choice.finish.reason if choice.finish else "stop"
    logprobs = _chat_logprobs(choice.logprobs, alternatives)
    return answers.ChatChoice(index, message, reason, logprobs)


def _called(call: ToolCallDelta) -> answers.CalledTool:
    function = answers.CalledFunction(
        name=UNSET if call.name is None else call.name, arguments=call.arguments
    )
    id: str | UnsetType = UNSET if call.id is None else call.id
    return answers.CalledTool(
        index=call.index, id=id, type=UNSET if call.id is None else "function", function=function
    )


def _chat_logprobs(
    logprobs: Sequence[TokenLogprob], alternatives: int
) -> answers.ChatLogprobs | None:
    if not logprobs:
        return None
    return answers.ChatLogprobs(
        [
            answers.LogprobBody(
                item.token,
                item.logprob,
                list(item.raw),
                [
                    answers.LogprobBody(top.token, top.logprob, list(top.raw))
                    for top in item.top[:alternatives]
                ],
            )
            for item in logprobs
        ]
    )


def _base64(values: tuple[float, ...]) -> str:
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode("ascii")

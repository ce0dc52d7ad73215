"""llama.cpp's streamed chunks as our events."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, Literal, TypeVar

import msgspec

from appliance.domain.events import (
    Content,
    Details,
    Event,
    Finish,
    FinishReason,
    Progress,
    Reasoning,
    Timings,
    TokenLogprob,
    ToolCallDelta,
    Usage,
)
from appliance.engines.llamacpp.errors import AnswerUnreadable, WireError, from_wire
from appliance.errors import EngineError


class _Logprob(msgspec.Struct, frozen=True):
    token: str = ""
    id: int = -1
    logprob: float | None = None
    prob: float | None = None  # instead of `logprob`, after sampling
    bytes: list[int] | None = None
    top_logprobs: list[_Logprob] = []
    top_probs: list[_Logprob] = []


class _Logprobs(msgspec.Struct, frozen=True):
    content: list[_Logprob] | None = None


class _Function(msgspec.Struct, frozen=True):
    name: str | None = None
    arguments: str = ""


class _ToolCall(msgspec.Struct, frozen=True):
    index: int = 0
    id: str | None = None
    function: _Function = _Function()


class _Delta(msgspec.Struct, frozen=True):
    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[_ToolCall] = []


class _Choice(msgspec.Struct, frozen=True):
    delta: _Delta = _Delta()
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _CachedTokens(msgspec.Struct, frozen=True):
    cached_tokens: int = 0


class _Usage(msgspec.Struct, frozen=True):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: _CachedTokens = _CachedTokens()


class _Timings(msgspec.Struct, frozen=True):
    cache_n: int = 0
    prompt_n: int = 0
    prompt_ms: float = 0
    predicted_n: int = 0
    predicted_ms: float = 0


class _Progress(msgspec.Struct, frozen=True):
    total: int = 0
    cache: int = 0
    processed: int = 0
    time_ms: float = 0


class _Verbose(msgspec.Struct, frozen=True):
    stopping_word: str = ""


class _ChatChunk(msgspec.Struct, frozen=True):
    choices: list[_Choice] = []
    usage: _Usage | None = None
    timings: _Timings | None = None
    prompt_progress: _Progress | None = None
    error: WireError | None = None
    verbose: _Verbose = msgspec.field(default=_Verbose(), name="__verbose")


class _CompletionChunk(msgspec.Struct, frozen=True):
    content: str = ""
    tokens: list[int] = []
    stop: bool = False
    stop_type: Literal["none", "eos", "limit", "word"] = "none"
    tokens_predicted: int = 0
    tokens_evaluated: int = 0
    completion_probabilities: list[_Logprob] = []
    timings: _Timings | None = None
    prompt_progress: _Progress | None = None
    error: WireError | None = None
    id_slot: int = -1
    stopping_word: str = ""
    truncated: bool = False
    has_new_line: bool = False
    tokens_cached: int = 0
    prompt: str = ""
    generation_settings: dict[str, Any] = {}


Chunk = TypeVar("Chunk", _ChatChunk, _CompletionChunk)
_chat_decoder = msgspec.json.Decoder(_ChatChunk)
_completion_decoder = msgspec.json.Decoder(_CompletionChunk)
_NEVER = -9999.0
_REASONS: dict[str, FinishReason] = {"length": "length", "tool_calls": "tool_calls"}


def chat_events(stream: Iterable[bytes], *, bound: bool = False) -> Iterator[Event]:
    """Events of a chat stream; ends after `Finish`, without one if the stream was cut.

    An answer that is `bound` to JSON and cannot be parsed was cut by its length, perhaps within
    a character: llama.cpp calls that an error, and keeps the last few tokens.
    """
    reason: FinishReason = "stop"
    word = ""
    timings: _Timings | None = None
    for data in stream:
        if data == b"[DONE]":
            return
        chunk = _decoded(_chat_decoder, data)
        timings = chunk.timings or timings
        word = chunk.verbose.stopping_word or word
        if chunk.error is not None:
            error = from_wire(chunk.error)
            if bound and isinstance(error, AnswerUnreadable):
                yield _cut(timings or _Timings())
                return
            raise error
        if chunk.prompt_progress is not None:
            yield _progress(chunk.prompt_progress)
        for choice in chunk.choices:
            if choice.finish_reason is not None:
                reason = _REASONS.get(choice.finish_reason, "stop")
            yield from _pieces(choice)
        if chunk.usage is not None:
            usage = chunk.usage
            cached = usage.prompt_tokens_details.cached_tokens
            total = Usage(usage.prompt_tokens, usage.completion_tokens, cached)
            yield Finish(reason, total, _timings(chunk.timings), word=word)
            return


def _cut(timings: _Timings) -> Finish:
    """The end of an answer of which only the speeds so far are known."""
    prompt = timings.cache_n + timings.prompt_n
    usage = Usage(prompt, timings.predicted_n, timings.cache_n)
    return Finish("length", usage, _timings(timings))


def completion_events(stream: Iterable[bytes]) -> Iterator[Event]:
    """Events of a /completion or /infill stream, as `chat_events`."""
    for data in stream:
        if data == b"[DONE]":
            return
        chunk = _decoded(_completion_decoder, data)
        if chunk.error is not None:
            raise from_wire(chunk.error)
        if chunk.prompt_progress is not None:
            yield _progress(chunk.prompt_progress)
            continue
        if chunk.content or chunk.completion_probabilities:
            probabilities = _logprobs(chunk.completion_probabilities)
            yield Content(chunk.content, probabilities, tuple(chunk.tokens))
        if chunk.stop:
            cached = chunk.timings.cache_n if chunk.timings else 0
            usage = Usage(chunk.tokens_evaluated, chunk.tokens_predicted, cached)
            reason: FinishReason = "length" if chunk.stop_type == "limit" else "stop"
            details = _details(chunk)
            yield Finish(reason, usage, _timings(chunk.timings), details, details.word)
            return


def _details(chunk: _CompletionChunk) -> Details:
    return Details(
        slot=chunk.id_slot,
        stop=chunk.stop_type,
        word=chunk.stopping_word,
        truncated=chunk.truncated,
        has_new_line=chunk.has_new_line,
        held=chunk.tokens_cached,
        prompt=chunk.prompt,
        settings=chunk.generation_settings,
    )


def _decoded(decoder: msgspec.json.Decoder[Chunk], data: bytes) -> Chunk:
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EngineError(
            f"The engine's answer cannot be read ({error}); set cpu_engine.llama_server to a "
            "llama-server of this year, or to none."
        ) from error


def _pieces(choice: _Choice) -> Iterator[Event]:
    delta = choice.delta
    if delta.reasoning_content:
        yield Reasoning(delta.reasoning_content)
    logprobs = choice.logprobs.content if choice.logprobs else None
    if delta.content or logprobs:
        yield Content(delta.content or "", _logprobs(logprobs or []))
    for call in delta.tool_calls:
        # An id comes with the first piece of a call only.
        name = call.function.name if call.id else None
        yield ToolCallDelta(call.index, call.function.arguments, call.id or None, name)


def _logprobs(items: list[_Logprob]) -> tuple[TokenLogprob, ...]:
    return tuple(
        TokenLogprob(
            token=item.token,
            logprob=_logarithm(item),
            raw=bytes(item.bytes) if item.bytes is not None else item.token.encode(),
            id=item.id,
            top=_logprobs(item.top_logprobs or item.top_probs),
        )
        for item in items
    )


def _logarithm(item: _Logprob) -> float:
    """The log probability; JSON has no infinity, so a number stands for what cannot come."""
    if item.prob is not None:
        return math.log(item.prob) if item.prob > 0 else _NEVER
    return _NEVER if item.logprob is None else item.logprob


def _progress(wire: _Progress) -> Progress:
    return Progress(wire.processed, wire.total, wire.cache, wire.time_ms)


def _timings(wire: _Timings | None) -> Timings | None:
    if wire is None:
        return None
    return Timings(wire.prompt_n, wire.prompt_ms, wire.predicted_n, wire.predicted_ms)

"""Events as llama.cpp's completions, whole or in pieces."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET

from appliance.domain import sse
from appliance.domain.events import (
    Content,
    Details,
    Finish,
    Progress,
    Queued,
    TokenLogprob,
)
from appliance.errors import LunaError
from appliance.http.collected import Collected
from appliance.http.dialects.llamacpp.answers import (
    CompletionAnswer,
    CompletionChunk,
    OldProbability,
    ProbabilityBody,
    ProgressBody,
    timings_body,
)
from appliance.http.dialects.llamacpp.errors import error_body
from appliance.http.dialects.llamacpp.requests import GenerationBody
from appliance.serving.answer import ChoiceEvent, EventStream

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Form:
    """What a request says of the form of its answer."""

    model: str
    tokens: bool
    probabilities: bool
    after_sampling: bool
    progress: bool
    stream: bool
    fields: tuple[str, ...]

    @classmethod
    def of(cls, body: GenerationBody, model: str) -> Form:
        """The form that a body asks for."""
        return cls(
            model=model,
            tokens=bool(body.return_tokens),
            probabilities=bool(body.n_probs),
            after_sampling=bool(body.post_sampling_probs),
            progress=bool(body.return_progress),
            stream=bool(body.stream),
            fields=tuple(body.response_fields or ()),
        )


def completion(form: Form, index: int, choice: Collected) -> Any:
    """The whole answer to prompt number `index`, or those of its fields that are wanted."""
    answer = _ended(form, index, choice.finish, "".join(choice.text), choice.tokens)
    if form.probabilities:
        found = _probabilities(choice.logprobs, form)
        answer = msgspec.structs.replace(answer, completion_probabilities=found)
    return _picked(answer, form.fields)


class CompletionStream:
    """Each piece as a server-sent event; the last one of each prompt has `stop` true."""

    def __init__(self, form: Form, events: EventStream) -> None:
        self._form = form
        self._events = events
        self._said: dict[int, int] = {}  # tokens of the answer, by prompt
        self._read: dict[int, int] = {}  # tokens of the prompt

    def close(self) -> None:
        """Stop the generation if it still runs."""
        self._events.close()

    def __iter__(self) -> Iterator[bytes]:
        try:
            for item in self._events:
                yield from self._pieces(item)
        except LunaError as error:
            # Clients of 2024 look for a line "error:", which all others pass over.
            told = _encode(error_body(error))
            yield b"error: " + told + b"\n" + sse.encode(told)
        finally:
            self._events.close()

    def _pieces(self, item: ChoiceEvent) -> Iterator[bytes]:
        if isinstance(item.event, Progress):
            self._read[item.index] = item.event.total
        match item.event:
            case Content() as piece:
                yield self._chunk(item.index, piece)
            case Finish() as finish:
                answer = _ended(self._form, item.index, finish, "", [])
                yield sse.encode(_encode(_picked(answer, self._form.fields)))
            case Progress() as progress if self._form.progress:
                yield self._chunk(item.index, Content(""), progress)
            case Progress(processed, total) if processed < total:
                yield sse.comment(f"prefill {processed}/{total}")
            case Queued(ahead):
                yield sse.comment(f"queued, {ahead} ahead")

    def _chunk(self, index: int, piece: Content, progress: Progress | None = None) -> bytes:
        said = self._said.get(index, 0)
        if progress is None:
            said = self._said[index] = said + max(1, len(piece.tokens))
        chunk = CompletionChunk(
            index=index,
            content=piece.text,
            tokens=list(piece.tokens),
            model=self._form.model,
            tokens_predicted=said,
            tokens_evaluated=self._read.get(index, 0),
            completion_probabilities=(
                _probabilities(piece.logprobs, self._form) if piece.logprobs else UNSET
            ),
            prompt_progress=UNSET if progress is None else _progress(progress),
        )
        return sse.encode(_encode(chunk))


def _ended(
    form: Form, index: int, finish: Finish | None, text: str, tokens: Sequence[int]
) -> CompletionAnswer:
    if finish is None:
        return CompletionAnswer(index=index, content=text, model=form.model)
    details = finish.details or _guessed(finish)
    return CompletionAnswer(
        index=index,
        content=text,
        tokens=list(tokens) if form.tokens else [],
        id_slot=details.slot,
        model=form.model,
        tokens_predicted=finish.usage.completion,
        tokens_evaluated=finish.usage.prompt,
        generation_settings={**details.settings, "stream": form.stream},
        prompt=details.prompt,
        has_new_line=details.has_new_line,
        truncated=details.truncated,
        stop_type=details.stop,
        stopping_word=details.word,
        tokens_cached=details.held,
        timings=timings_body(finish.timings, finish.usage.cached),
        stopped_eos=details.stop == "eos",
        stopped_word=details.stop == "word",
        stopped_limit=details.stop == "limit",
    )


def _guessed(finish: Finish) -> Details:
    """What can be said of an engine that tells no details."""
    held = finish.usage.prompt + finish.usage.completion
    if finish.reason == "length":
        return Details(-1, "limit", "", False, False, held, "", {})
    return Details(-1, "word" if finish.word else "eos", finish.word, False, False, held, "", {})


def _picked(answer: CompletionAnswer, fields: Sequence[str]) -> Any:
    """The answer, or of it only the fields that are there; "a/b" is field b of field a."""
    if not fields:
        return answer
    whole = msgspec.to_builtins(answer)
    found: dict[str, Any] = {}
    for field in fields:
        value: Any = whole
        for name in field.split("/"):
            value = value.get(name, UNSET) if isinstance(value, Mapping) else UNSET
        if value is not UNSET:
            found[field] = value
    return found


def _probabilities(tokens: Sequence[TokenLogprob], form: Form) -> list[ProbabilityBody]:
    return [_probability(token, form) for token in tokens]


def _probability(token: TokenLogprob, form: Form) -> ProbabilityBody:
    top = [_bare(each, after_sampling=form.after_sampling) for each in token.top]
    old = [OldProbability(each.token, math.exp(each.logprob)) for each in token.top]
    bare = _bare(token, after_sampling=form.after_sampling)
    name = "top_probs" if form.after_sampling else "top_logprobs"
    return msgspec.structs.replace(bare, content=token.token, probs=old, **{name: top})


def _bare(token: TokenLogprob, *, after_sampling: bool) -> ProbabilityBody:
    raw = list(token.raw)
    if after_sampling:
        return ProbabilityBody(token.id, token.token, raw, prob=math.exp(token.logprob))
    return ProbabilityBody(token.id, token.token, raw, logprob=token.logprob)


def _progress(progress: Progress) -> ProgressBody:
    return ProgressBody(progress.total, progress.cached, progress.processed, round(progress.ms))

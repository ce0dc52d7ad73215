"""Events as Ollama's bodies and lines."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, TypedDict

import msgspec
from msgspec import UNSET, UnsetType

from appliance.domain.events import (
    Content,
    Event,
    Finish,
    Progress,
    Queued,
    Reasoning,
    TokenLogprob,
    ToolCallDelta,
)
from appliance.domain.messages import Message
from appliance.errors import LunaError
from appliance.http.collected import Collected
from appliance.http.dialects.ollama import answers, context
from appliance.http.dialects.ollama.errors import error_body
from appliance.http.stopwatch import Stopwatch, Times
from appliance.http.streamed import Streamed
from appliance.serving.answer import EventStream

_encode = msgspec.json.Encoder().encode


class _Metrics(TypedDict):
    """The fields of a last line."""

    done: bool
    done_reason: str
    total_duration: int
    load_duration: int
    prompt_eval_count: int
    prompt_eval_duration: int
    eval_count: int
    eval_duration: int


def timestamp(seconds: float) -> str:
    """RFC 3339, in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat()}Z"


class Teller(ABC):
    """Makes the bodies of one answer; `alternatives` is how many stand beside each token."""

    def __init__(
        self,
        model: str,
        alternatives: int = 0,
        watch: Stopwatch | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.watch = watch or Stopwatch()
        self._model = model
        self._alternatives = alternatives
        self._clock = clock

    def line(self, said: Collected) -> answers.OllamaAnswer:
        """A piece of the answer, or with its `finish` the end of it."""
        more: dict[str, Any] = {"done": False}
        if said.finish is not None:
            more = {**_metrics(self.watch.times(said.finish), said.finish)}
        if said.logprobs:
            more["logprobs"] = _logprobs(said.logprobs, self._alternatives)
        return self._body(said, model=self._model, created_at=timestamp(self._clock()), **more)

    def loaded(self, reason: str) -> answers.OllamaAnswer:
        """The answer to those who asked for nothing but to have the model loaded, or unloaded."""
        more = {"model": self._model, "created_at": timestamp(self._clock())}
        return self._body(Collected(), **more, done=True, done_reason=reason)

    @abstractmethod
    def _body(self, said: Collected, **more: Any) -> answers.OllamaAnswer:
        """The whole body."""


class ChatTeller(Teller):
    """Bodies of /api/chat."""

    def _body(self, said: Collected, **more: Any) -> answers.OllamaAnswer:
        message = answers.OllamaAnswerMessage(
            content="".join(said.text),
            thinking="".join(said.reasoning) or UNSET,
            tool_calls=_calls(said) or UNSET,
        )
        return answers.OllamaChatAnswer(message=message, **more)


class GenerateTeller(Teller):
    """Bodies of /api/generate; `turns` is what the context begins with, if there is to be one."""

    def __init__(
        self,
        model: str,
        alternatives: int = 0,
        watch: Stopwatch | None = None,
        clock: Callable[[], float] = time.time,
        turns: Sequence[Message] | None = None,
    ) -> None:
        super().__init__(model, alternatives, watch, clock)
        self._turns = turns
        self._text: list[str] = []

    def _body(self, said: Collected, **more: Any) -> answers.OllamaAnswer:
        self._text += said.text
        told: list[int] | UnsetType = UNSET
        if said.finish is not None and self._turns is not None:
            told = context.encode(self._turns, "".join(self._text))
        return answers.OllamaGenerateAnswer(
            response="".join(said.text),
            thinking="".join(said.reasoning) or UNSET,
            context=told,
            **more,
        )


class Lines(Streamed):
    """An answer line by line (NDJSON); calls are told when they are whole, before the last line."""

    def __init__(self, events: EventStream, teller: Teller) -> None:
        super().__init__(events)
        self._teller = teller
        self._calls = Collected()

    def pieces(self, event: Event) -> Iterator[bytes]:
        """A line for text, thoughts and the end; an empty one keeps a silent line alive."""
        said = Collected()
        match event:
            case Content() | Reasoning():
                self._teller.watch.piece()
                said.add(event)
                yield self._line(said)
            case Queued() | Progress():
                yield self._line(said)
            case Finish():
                if _calls(self._calls):
                    yield self._line(self._calls)
                said.add(event)
                yield self._line(said)
            case ToolCallDelta():
                self._teller.watch.piece()
                self._calls.add(event)

    def failure(self, error: LunaError) -> Iterator[bytes]:
        """The sentence, as the last line."""
        yield _encode(error_body(error)) + b"\n"

    def _line(self, said: Collected) -> bytes:
        return _encode(self._teller.line(said)) + b"\n"


def _metrics(times: Times, finish: Finish) -> _Metrics:
    return _Metrics(
        done=True,
        done_reason="length" if finish.reason == "length" else "stop",
        total_duration=times.total,
        load_duration=max(0, times.total - times.read - times.said),
        prompt_eval_count=finish.usage.prompt,
        prompt_eval_duration=times.read,
        eval_count=finish.usage.completion,
        eval_duration=times.said,
    )


def _calls(said: Collected) -> list[answers.OllamaCalledTool]:
    """The calls whose arguments are whole: one that was cut cannot be written as an object."""
    found = []
    for index, (id, name, text) in said.calls.items():
        arguments = _object(text)
        if arguments is not None:
            function = answers.OllamaCalledFunction(index, name, arguments)
            found.append(answers.OllamaCalledTool(id, function))
    return found


def _object(text: str) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(text or "{}", type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError):
        return None


def _logprobs(tokens: Sequence[TokenLogprob], alternatives: int) -> list[answers.OllamaLogprob]:
    return [
        answers.OllamaLogprob(
            token.token,
            token.logprob,
            list(token.raw),
            _logprobs(token.top[:alternatives], 0) or UNSET,
        )
        for token in tokens
    ]

"""What an engine says while it works; a request's events end with `Finish`, or an exception."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

FinishReason = Literal["stop", "length", "tool_calls"]


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token, its log probability (natural), and the likeliest tokens in its place."""

    token: str
    logprob: float
    raw: bytes
    id: int = -1
    top: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class Queued:
    """The request still waits for a slot; `ahead` requests come before it."""

    ahead: int


@dataclass(frozen=True, slots=True)
class Progress:
    """Prefill has handled `processed` of `total` prompt tokens, `cached` of them from the cache.

    It took `ms` milliseconds so far.
    """

    processed: int
    total: int
    cached: int = 0
    ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Content:
    """A piece of the answer, whole characters only; `tokens` are its ids, where they are known."""

    text: str
    logprobs: tuple[TokenLogprob, ...] = ()
    tokens: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Reasoning:
    """A piece of what the model thinks before it answers."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of tool call number `index`; `id` and `name` come with the first piece only."""

    index: int
    arguments: str = ""
    id: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one request; `cached` of the prompt's were not computed again."""

    prompt: int = 0
    completion: int = 0
    cached: int = 0

    def __add__(self, other: Usage) -> Usage:
        """The sum of two counts."""
        return Usage(
            self.prompt + other.prompt,
            self.completion + other.completion,
            self.cached + other.cached,
        )


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds and tokens of both phases of a run, as the engine measured them."""

    prompt_tokens: int
    prompt_ms: float
    generated_tokens: int
    generated_ms: float

    @property
    def prompt_per_second(self) -> float:
        """Prefill speed in tokens per second."""
        return 1000 * self.prompt_tokens / self.prompt_ms if self.prompt_ms > 0 else 0.0

    @property
    def generated_per_second(self) -> float:
        """Generation speed in tokens per second."""
        return 1000 * self.generated_tokens / self.generated_ms if self.generated_ms > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Details:
    """What an engine knows of a completion beside its end.

    `word` is the stop string that ended it. `held` tokens stay in the cache of slot number `slot`.
    `settings` are all sampler settings in force, by llama.cpp's names; `prompt` is its text as
    the model read it.
    """

    slot: int
    stop: Literal["none", "eos", "limit", "word"]
    word: str
    truncated: bool
    has_new_line: bool
    held: int
    prompt: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finish:
    """The end of one choice; completions may have details.

    `word` is the stop string that ended it, "" where none did or the engine does not tell.
    """

    reason: FinishReason
    usage: Usage
    timings: Timings | None = None
    details: Details | None = None
    word: str = ""


Event = Queued | Progress | Content | Reasoning | ToolCallDelta | Finish

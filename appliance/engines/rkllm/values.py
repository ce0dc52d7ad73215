"""What goes into the vendor's library and what comes out, as plain values."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from appliance.domain.sampling import Sampling
from appliance.engines.rkllm.abi import LLMCallState, RKLLMInferMode


@dataclass(frozen=True, slots=True)
class Load:
    """How a model is loaded; `context` and `max_new_tokens` in tokens, 0 the library's default.

    `cpus` run what the NPU cannot, at least as many as the model has NPU cores. Models of more
    than 4 GB together need IOMMU domains of their own: `domain` is the first, 0 to 15.
    `embed_flash` leaves the vocabulary's embeddings on disk.
    """

    model: Path
    context: int = 0
    max_new_tokens: int = 0
    sampling: Sampling = field(default_factory=Sampling)
    cpus: frozenset[int] = frozenset({4, 5, 6, 7})
    domain: int = 0
    embed_flash: bool = True
    skip_special_tokens: bool = True


@dataclass(frozen=True, slots=True)
class Run:
    """One run: a prompt in the library's own chat template, or token ids that are complete.

    `keep_history` continues from the context in memory. `max_new_tokens` 0 is the loaded limit,
    `lora` the name of a loaded adapter, `save_cache` where the prompt's state shall be written.
    """

    prompt: str | tuple[int, ...]
    mode: RKLLMInferMode = RKLLMInferMode.GENERATE
    sampling: Sampling = field(default_factory=Sampling)
    max_new_tokens: int = 0
    keep_history: bool = False
    role: str = "user"
    thinking: bool = False
    lora: str = ""
    save_cache: Path | None = None


@dataclass(frozen=True, slots=True)
class Floats:
    """Hidden states or logits: `rows` tokens of `columns` values."""

    rows: int
    columns: int
    values: array[float]

    def row(self, index: int) -> array[float]:
        """The values of one token, counted from 0."""
        return self.values[index * self.columns : (index + 1) * self.columns]


@dataclass(frozen=True, slots=True)
class Perf:
    """The library's own figures of a run; `memory_mb` is the process's peak."""

    prefill_ms: float
    prefill_tokens: int
    generate_ms: float
    generate_tokens: int
    memory_mb: float


@dataclass(frozen=True, slots=True)
class Piece:
    """One call from the library; `text` may end in the middle of a character, or be empty."""

    state: LLMCallState
    text: bytes = b""
    token: int = -1
    floats: Floats | None = None
    perf: Perf | None = None


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended, and after how many tokens.

    A run that was `stopped` by its listener or an abort, or cut short by its limit because the
    library knows none (`limited`), leaves a context that should be cleared.
    """

    perf: Perf | None
    tokens: int = 0
    stopped: bool = False
    limited: bool = False


Listener = Callable[[Piece], bool]
"""Hears every piece of a run, in a thread of the library; False ends the run."""

"""What every engine offers; `serving` knows nothing else of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from appliance.domain.cancel import CancelToken
from appliance.domain.events import Event
from appliance.domain.requests import ChatRequest, CompletionRequest, Generation, Prompt
from appliance.domain.sampling import Sampling


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What an engine must know to load a model; `context` is tokens per slot, 0 the model's own.

    `gpu_layers` of it are computed by a GPU where the engine has one, -1 leaves that to the engine.
    A `reranker` was trained to score documents against a query.
    """

    id: str
    path: Path
    size_bytes: int
    context: int = 0
    defaults: Sampling = field(default_factory=Sampling)
    chat_template: str | None = None
    reranker: bool = False
    gpu_layers: int = -1


@dataclass(frozen=True, slots=True)
class Vectors:
    """One vector for each input, in order, and the prompt tokens that they cost."""

    vectors: tuple[tuple[float, ...], ...]
    prompt_tokens: int


class Engine(Protocol):
    """One loaded model.

    `chat` and `complete` yield events up to one `Finish`, or raise; closing the iterator or
    cancelling the token frees the slot at the next token. A request's `n` is not the engine's
    business: it makes one choice. `slots` requests run at once, the caller must not start more.
    What only some engines can do is in `engines.extras`.
    """

    @property
    def slots(self) -> int:
        """How many requests may run at once."""

    @property
    def context(self) -> int:
        """Tokens of prompt and answer together that one request may use; 0 while unknown."""

    @property
    def state(self) -> str:
        """One of loading, loaded, failed, unloaded."""

    @property
    def pid(self) -> int | None:
        """The engine's process, while there is one."""

    @property
    def restarts(self) -> int:
        """How often the process had to be started anew after it died."""

    def start(self) -> None:
        """Begin to load; returns at once."""

    def wait_ready(self, timeout: float) -> None:
        """Return when loaded; raises ModelLoading after `timeout` seconds, or why it failed."""

    def ignored(self, generation: Generation) -> tuple[str, ...]:
        """Which wishes of a request this engine cannot fulfil, by the names of their fields."""

    def chat(self, request: ChatRequest, cancel: CancelToken) -> Iterator[Event]:
        """The next turn of a conversation."""

    def complete(self, request: CompletionRequest, cancel: CancelToken) -> Iterator[Event]:
        """The continuation of a prompt, or what stands between prompt and suffix."""

    def embed(self, inputs: tuple[Prompt, ...], cancel: CancelToken) -> Vectors:
        """Vectors of length one (L2 norm), mean-pooled."""

    def tokenize(self, text: str, cancel: CancelToken) -> tuple[int, ...]:
        """The token ids of `text`, without a BOS token."""

    def detokenize(self, tokens: tuple[int, ...], cancel: CancelToken) -> str:
        """The text of token ids."""

    def stop(self) -> None:
        """Unload; returns when the memory is free."""

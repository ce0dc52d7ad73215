"""What only some engines can do beyond `engines.base.Engine`: tokens in detail, slots, ranking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from appliance.domain.cancel import CancelToken
from appliance.domain.requests import ChatRequest
from appliance.errors import Unsupported


@dataclass(frozen=True, slots=True)
class Piece:
    """A token and the bytes that it stands for, which may be a part of a character."""

    id: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Properties:
    """What an engine says of its model; empty where it says nothing.

    `settings` are the sampler's defaults and `abilities` those of the chat template, both by
    llama.cpp's names.
    """

    chat_template: str = ""
    bos_token: str = ""
    eos_token: str = ""
    file_type: str = ""
    build: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    abilities: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SlotState:
    """A slot: what it works on or worked on last; counts are tokens, `task` -1 before the first.

    `held` is what its cache holds, of which `computed` were read for this task and `cached` were
    there before. `remaining` is -1 where an answer has no limit.
    """

    id: int
    context: int
    busy: bool
    task: int = -1
    held: int = 0
    computed: int = 0
    cached: int = 0
    generated: int = 0
    remaining: int = -1
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SlotFile:
    """What saving or restoring a slot moved, and how long it took."""

    slot: int
    name: str
    tokens: int
    size_bytes: int
    ms: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """A score for each document, in order: the higher, the more it answers the query."""

    scores: tuple[float, ...]
    prompt_tokens: int


class Extras:
    """Each verb raises Unsupported with the reason until an engine overrides it."""

    def apply_template(self, request: ChatRequest, cancel: CancelToken) -> str:
        """The prompt that the model's chat template makes of a conversation."""
        raise _cannot("show the prompt of a conversation")

    def pieces(
        self, text: str, cancel: CancelToken, *, add_special: bool, parse_special: bool
    ) -> tuple[Piece, ...]:
        """The tokens of `text`.

        With `add_special` the model's own first tokens come before, with `parse_special` the
        spelling of a special token is read as that token.
        """
        raise _cannot("show the bytes of single tokens")

    def properties(self) -> Properties:
        """What is known of the loaded model."""
        return Properties()

    def slot_states(self) -> tuple[SlotState, ...]:
        """Every slot, in the order of their ids."""
        raise _cannot("show its slots")

    def save_slot(self, slot: int, name: str, cancel: CancelToken) -> SlotFile:
        """Keep what the slot's cache holds in a file; raises BadRequest for a bad name."""
        raise _cannot("save slots")

    def restore_slot(self, slot: int, name: str, cancel: CancelToken) -> SlotFile:
        """Fill the slot's cache from such a file."""
        raise _cannot("restore slots")

    def erase_slot(self, slot: int, cancel: CancelToken) -> int:
        """Empty the slot's cache; returns how many tokens it held."""
        raise _cannot("erase slots")

    def rerank(self, query: str, documents: tuple[str, ...], cancel: CancelToken) -> Ranking:
        """How well each document answers the query."""
        raise _cannot("rank documents")


def extras_of(engine: object) -> Extras:
    """The `extras` of an engine that has some; else those that can nothing."""
    found = getattr(engine, "extras", None)
    return found if isinstance(found, Extras) else Extras()


def _cannot(what: str) -> Unsupported:
    return Unsupported(f"The engine of this model cannot {what}; load a GGUF model instead.")

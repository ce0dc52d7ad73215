"""What llama.cpp can do beyond every engine: its own routes for tokens, slots and properties."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from appliance.domain.cancel import CancelToken
from appliance.domain.requests import ChatRequest
from appliance.engines.extras import (
    Extras,
    Piece,
    Properties,
    Ranking,
    SlotFile,
    SlotState,
)
from appliance.engines.llamacpp import forced
from appliance.engines.llamacpp.connection import Connection
from appliance.engines.llamacpp.slot_files import SlotFiles
from appliance.errors import BadRequest

Rank = Callable[[str, tuple[str, ...], CancelToken], Ranking]


class _Piece(msgspec.Struct, frozen=True):
    id: int
    piece: str | list[int]


class _Defaults(msgspec.Struct, frozen=True):
    params: dict[str, Any] = {}


class _Properties(msgspec.Struct, frozen=True):
    chat_template: str = ""
    bos_token: str = ""
    eos_token: str = ""
    model_ftype: str = ""
    build_info: str = ""
    default_generation_settings: _Defaults = _Defaults()
    chat_template_caps: dict[str, Any] = {}


class _NextToken(msgspec.Struct, frozen=True):
    n_remain: int = -1
    n_decoded: int = 0


class _Slot(msgspec.Struct, frozen=True):
    id: int
    n_ctx: int = 0
    is_processing: bool = False
    id_task: int = -1
    n_prompt_tokens: int = 0
    n_prompt_tokens_processed: int = 0
    n_prompt_tokens_cache: int = 0
    params: dict[str, Any] = {}
    next_token: list[_NextToken] = []


class _Saved(msgspec.Struct, frozen=True):
    id_slot: int
    filename: str
    timings: dict[str, float]
    n_saved: int = 0
    n_written: int = 0
    n_restored: int = 0
    n_read: int = 0


class _Erased(msgspec.Struct, frozen=True):
    n_erased: int


class LlamaCppExtras(Extras):
    """Asks the chat child, which must be loaded; `limit` is the longest wait in seconds."""

    def __init__(
        self, connection: Connection, slots: int, files: SlotFiles, rank: Rank, limit: float
    ) -> None:
        self._connection = connection
        self._slots = slots
        self._files = files
        self._rank = rank
        self._limit = limit

    def apply_template(self, request: ChatRequest, cancel: CancelToken) -> str:
        """The prompt that the model's chat template makes of a conversation."""
        body = forced.template_body(request)
        return str(self._post("/apply-template", body, cancel)["prompt"])

    def pieces(
        self, text: str, cancel: CancelToken, *, add_special: bool, parse_special: bool
    ) -> tuple[Piece, ...]:
        """The tokens of `text`."""
        body = {"content": text, "add_special": add_special, "parse_special": parse_special}
        answer = self._post("/tokenize", body | {"with_pieces": True}, cancel)
        tokens = msgspec.convert(answer["tokens"], list[_Piece])
        return tuple(Piece(token.id, _bytes(token.piece)) for token in tokens)

    def properties(self) -> Properties:
        """What the server says of its model."""
        told = msgspec.convert(self._connection.get("/props"), _Properties)
        return Properties(
            chat_template=told.chat_template,
            bos_token=told.bos_token,
            eos_token=told.eos_token,
            file_type=told.model_ftype,
            build=told.build_info,
            settings=told.default_generation_settings.params,
            abilities=told.chat_template_caps,
        )

    def slot_states(self) -> tuple[SlotState, ...]:
        """Every slot as the server tells it."""
        slots = msgspec.convert(self._connection.get("/slots"), list[_Slot])
        return tuple(_state(slot) for slot in slots)

    def save_slot(self, slot: int, name: str, cancel: CancelToken) -> SlotFile:
        """Write a slot's cache; the oldest saved ones go when there are too many."""
        told = self._act(slot, "save", {"filename": self._files.checked(name)}, cancel)
        saved = msgspec.convert(told, _Saved)
        self._files.tidy(name)
        ms = saved.timings.get("save_ms", 0.0)
        return SlotFile(saved.id_slot, saved.filename, saved.n_saved, saved.n_written, ms)

    def restore_slot(self, slot: int, name: str, cancel: CancelToken) -> SlotFile:
        """Read a slot's cache."""
        self._files.size(name)  # the server would only say that it could not
        saved = msgspec.convert(self._act(slot, "restore", {"filename": name}, cancel), _Saved)
        ms = saved.timings.get("restore_ms", 0.0)
        return SlotFile(saved.id_slot, saved.filename, saved.n_restored, saved.n_read, ms)

    def erase_slot(self, slot: int, cancel: CancelToken) -> int:
        """Forget a slot's cache."""
        return msgspec.convert(self._act(slot, "erase", {}, cancel), _Erased).n_erased

    def rerank(self, query: str, documents: tuple[str, ...], cancel: CancelToken) -> Ranking:
        """How well each document answers the query."""
        return self._rank(query, documents, cancel)

    def _act(self, slot: int, action: str, body: dict[str, Any], cancel: CancelToken) -> Any:
        if not 0 <= slot < self._slots:  # the server itself would take any number
            raise BadRequest(f"Invalid slot ID: this model has slots 0 to {self._slots - 1}.")
        return self._post(f"/slots/{slot}?action={action}", body, cancel)

    def _post(self, route: str, body: dict[str, Any], cancel: CancelToken) -> Any:
        return self._connection.post(route, body, cancel, self._limit)


def _bytes(piece: str | list[int]) -> bytes:
    return piece.encode() if isinstance(piece, str) else bytes(piece)


def _state(slot: _Slot) -> SlotState:
    following = slot.next_token[0] if slot.next_token else _NextToken()
    return SlotState(
        id=slot.id,
        context=slot.n_ctx,
        busy=slot.is_processing,
        task=slot.id_task,
        held=slot.n_prompt_tokens,
        computed=slot.n_prompt_tokens_processed,
        cached=slot.n_prompt_tokens_cache,
        generated=following.n_decoded,
        remaining=following.n_remain,
        settings=slot.params,
    )

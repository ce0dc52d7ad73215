"""What is said on Browser LLM's WebSocket, by clients and to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from appliance.errors import LunaError
from appliance.http.dialects.browserllm import answers
from appliance.http.dialects.browserllm.render import failed

Id = Annotated[str, Meta(min_length=1, max_length=128)]
Event = Literal["metric", "log"]

_encode = msgspec.json.Encoder().encode


class BrowserLlmSocketMessage(Struct, frozen=True):
    """What a client says; `id` is its own name for a generation or a subscription."""

    type: Literal["generate", "abort", "subscribe", "unsubscribe"]
    id: Id
    payload: Raw = Raw(b"{}")


class BrowserLlmEvents(Struct, frozen=True):
    """The payload of "subscribe" and "unsubscribe"; none means all."""

    events: tuple[Event, ...] = ("metric", "log")


def identity(text: str) -> str:
    """The id of a message that is otherwise wrong, so far as it has one: an error is told it."""
    try:
        return msgspec.json.decode(text, type=_Named).id
    except (msgspec.DecodeError, RecursionError):
        return ""


class _Named(Struct, frozen=True):
    id: Id = ""


def message(kind: str, id: str, data: Any) -> str:
    """What a client is told."""
    return _encode({"type": kind, "id": id, "data": data}).decode()


def chunk_message(id: str, chunk: answers.BrowserLlmChunk, ignored: Sequence[str] = ()) -> str:
    """A piece of an answer, as in a stream; with the whole answer also stand its own fields.

    `ignored` are fields of the request that had no effect, which the end tells.
    """
    data = msgspec.to_builtins(chunk.data)
    if ignored and chunk.type == "done":
        data["ignored"] = list(ignored)
    return message(chunk.type, id, {**data.get("completion", {}), **data})


def error_message(id: str, error: LunaError) -> str:
    """What went wrong."""
    return chunk_message(id, failed(error))

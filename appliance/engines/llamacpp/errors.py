"""llama.cpp's error answers, as ours; every type of its server-common.cpp is in the table."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from appliance.errors import (
    BadRequest,
    ContextTooLong,
    EngineError,
    LunaError,
    ModelLoading,
    Unsupported,
)

# An input of an embedding has to fit into one batch.
_TOO_LARGE = re.compile(r"\((?P<tokens>\d+) tokens\) is too large .*batch size: (?P<most>\d+)\)")
_UNREADABLE = "does not match the expected"
_NO_SUCH_TOKEN = "_M_range_check"


class AnswerUnreadable(EngineError):
    """llama.cpp could not take the model's answer apart."""


class WireError(msgspec.Struct, frozen=True):
    """The object under "error"."""

    code: int = 500
    message: str = "unknown error"
    type: str = "server_error"
    n_prompt_tokens: int = 0
    n_ctx: int = 0


class _Envelope(msgspec.Struct, frozen=True):
    error: WireError


_TYPES: dict[str, Callable[[str], LunaError]] = {
    "invalid_request_error": BadRequest,
    "not_supported_error": Unsupported,
    "not_found_error": Unsupported,
    "unavailable_error": lambda message: ModelLoading(message, retry_after=2),
    "authentication_error": EngineError,
    "permission_error": EngineError,
    "server_error": EngineError,
}


def translate(status: int, body: bytes) -> LunaError:
    """The error that an answer with a status other than 200 means."""
    try:
        error = msgspec.json.decode(body, type=_Envelope).error
    except msgspec.DecodeError:
        return EngineError(f"The engine answered with status {status}.")
    return from_wire(error)


def from_wire(error: WireError) -> LunaError:
    """The error that an "error" object means, alone or in the middle of a stream."""
    if error.type == "exceed_context_size_error":
        return ContextTooLong(
            f"This model's maximum context length is {error.n_ctx} tokens, but the prompt has "
            f"{error.n_prompt_tokens} tokens. Shorten it, or raise cpu_engine.context.",
            prompt_tokens=error.n_prompt_tokens,
            context=error.n_ctx,
        )
    if batch := _TOO_LARGE.search(error.message):
        tokens, most = int(batch["tokens"]), int(batch["most"])
        return ContextTooLong(
            f"An input has {tokens} tokens, but this model makes vectors of {most} at most; send "
            "it in pieces.",
            prompt_tokens=tokens,
            context=most,
        )
    if _NO_SUCH_TOKEN in error.message:
        return BadRequest("A token id is not in this model's vocabulary.")
    if _UNREADABLE in error.message:
        return AnswerUnreadable(
            "The model's answer cannot be read: it is no proper tool call, or was cut within one. "
            "Ask again, allow more tokens, or leave the tools out."
        )
    make = _TYPES.get(error.type, EngineError)
    return make(_sentence(error.message))


def _sentence(message: str) -> str:
    text = message.strip() or "The engine gave no reason"
    return text if text.endswith((".", "!", "?")) else f"{text}."

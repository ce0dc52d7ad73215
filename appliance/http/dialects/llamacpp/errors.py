"""Errors in llama.cpp's shape: its numbers and types (server-common.cpp)."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from appliance.errors import ContextTooLong, LunaError, ModelNotFound, Unsupported
from appliance.http.errors import ErrorShape, error_headers, status_of
from appliance.http.exchange import Reply, json_reply

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "invalid_request_error",
    421: "permission_error",
    429: "rate_limit_error",
    501: "not_supported_error",
    503: "unavailable_error",
}


class LlamaCppErrorDetail(Struct, frozen=True):
    """What went wrong; the counts come with `exceed_context_size_error` only.

    `code` is the status, and a word where a request is refused before its path is looked at.
    """

    code: int | str
    message: str
    type: str
    n_prompt_tokens: int | UnsetType = UNSET
    n_ctx: int | UnsetType = UNSET


class LlamaCppErrorBody(Struct, frozen=True):
    """Every error of this dialect looks like this."""

    error: LlamaCppErrorDetail


def status(error: LunaError) -> int:
    """What an engine cannot do is 501 here, as in llama.cpp's own server."""
    return 501 if isinstance(error, Unsupported) else status_of(error)


def error_body(error: LunaError) -> LlamaCppErrorBody:
    """The body of an error's answer, also of an error event in a stream."""
    code = status(error)
    kind = _TYPES.get(code, "server_error")
    more: dict[str, Any] = {}
    if isinstance(error, ContextTooLong):
        kind = "exceed_context_size_error"
        more = {"n_prompt_tokens": error.prompt_tokens, "n_ctx": error.context}
    if isinstance(error, ModelNotFound):
        kind = "not_found_error"
    return LlamaCppErrorBody(LlamaCppErrorDetail(code, error.message, kind, **more))


def _render(error: LunaError, request_id: str) -> Reply:
    return json_reply(error_body(error), status(error), error_headers(error))


LLAMACPP = ErrorShape("LlamaCpp", LlamaCppErrorBody, _render)

"""Errors in Ollama's shape: one sentence."""

from __future__ import annotations

from msgspec import Struct

from appliance.errors import LunaError
from appliance.http.errors import ErrorShape, error_headers, status_of
from appliance.http.exchange import Reply, json_reply


class OllamaError(Struct, frozen=True):
    """Every error of this dialect looks like this, also as the last line of a stream."""

    error: str


def error_body(error: LunaError) -> OllamaError:
    """The body of an error's answer."""
    return OllamaError(error.message)


def _render(error: LunaError, request_id: str) -> Reply:
    return json_reply(error_body(error), status_of(error), error_headers(error))


OLLAMA = ErrorShape("Ollama", OllamaError, _render)

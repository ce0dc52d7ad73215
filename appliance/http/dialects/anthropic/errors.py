"""Errors in Anthropic's shape."""

from __future__ import annotations

from appliance.errors import ContextTooLong, LunaError
from appliance.http.dialects.anthropic.answers import AnthropicError, AnthropicErrorDetail
from appliance.http.errors import ErrorShape, error_headers, status_of
from appliance.http.exchange import Reply, json_reply

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "request_too_large",
    421: "permission_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}


def error_body(error: LunaError, request_id: str) -> AnthropicError:
    """The body of an error's answer."""
    message = error.message
    if isinstance(error, ContextTooLong) and error.context:
        # Clients look for these words to make the conversation shorter by themselves.
        counts = f"{error.prompt_tokens} tokens > {error.context} maximum"
        message = f"prompt is too long: {counts}. {message}"
    kind = _TYPES.get(status_of(error), "api_error")
    return AnthropicError(AnthropicErrorDetail(kind, message), request_id)


def _render(error: LunaError, request_id: str) -> Reply:
    headers = (*error_headers(error), ("request-id", request_id))
    return json_reply(error_body(error, request_id), status_of(error), headers)


ANTHROPIC = ErrorShape("Anthropic", AnthropicError, _render)

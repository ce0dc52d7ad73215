"""Our errors as HTTP: one table says the status, a dialect's shape how they look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from appliance import errors
from appliance.errors import LunaError, MethodNotAllowed, Retryable, Unauthorized, UpgradeRequired
from appliance.http.dialects.openai.answers import ErrorBody
from appliance.http.exchange import Reply, json_reply

ErrorRenderer = Callable[[LunaError, str], Reply]

# The nearest class of an error's family decides; a test holds every class against this table.
STATUS: dict[type[LunaError], int] = {
    errors.LunaError: 500,
    errors.BadRequest: 400,
    errors.UpgradeRequired: 426,
    errors.BodyTooLarge: 413,
    errors.Unauthorized: 401,
    errors.Forbidden: 403,
    errors.UnknownHost: 421,
    errors.NotFound: 404,
    errors.MethodNotAllowed: 405,
    errors.ModelNotFound: 404,
    errors.Retryable: 503,
    errors.RateLimited: 429,
    errors.EngineError: 500,
    errors.EngineTimeout: 504,
    errors.ReadingUnavailable: 501,
    errors.Cancelled: 499,
    errors.ConfigError: 500,
    errors.HubFailed: 502,
    errors.StorageFailed: 500,
    errors.DiskFull: 507,
}


@dataclass(frozen=True, slots=True)
class ErrorShape:
    """How the errors of a dialect look: `render` takes the request's id too, `body` is the type.

    `name` begins the names of these answers in the documents.
    """

    name: str
    body: Any
    render: ErrorRenderer


_REFUSED = (400, 401, 403, 404, 405, 413, 421, 426, 429)
_TYPES = dict.fromkeys(_REFUSED, "invalid_request_error") | {499: "cancelled"}


def status_of(error: LunaError) -> int:
    """The HTTP status that an error is answered with."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def openai_error(error: LunaError) -> dict[str, Any]:
    """The body of OpenAI's error answers, also of an error event in a stream."""
    return {
        "error": {
            "message": error.message,
            "type": _TYPES.get(status_of(error), "server_error"),
            "param": error.param,
            "code": error.code,
        }
    }


def error_headers(error: LunaError) -> tuple[tuple[str, str], ...]:
    """Retry-After, Allow, Upgrade or WWW-Authenticate, where the error has one."""
    if isinstance(error, Unauthorized):
        return (("WWW-Authenticate", 'Bearer realm="Luna"'),)
    if isinstance(error, Retryable):
        return (("Retry-After", str(error.retry_after)),)
    if isinstance(error, MethodNotAllowed):
        return (("Allow", ", ".join(error.allowed)),)
    if isinstance(error, UpgradeRequired):
        return (("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"))
    return ()


def render_openai(error: LunaError, request_id: str) -> Reply:
    """An error in OpenAI's shape."""
    return json_reply(openai_error(error), status_of(error), error_headers(error))


OPENAI = ErrorShape("", ErrorBody, render_openai)
"""The default for routes that name no shape of their own."""

"""What can go wrong; every error has a stable `code` and a sentence that says what to do."""

from __future__ import annotations

from typing import Any


class LunaError(Exception):
    """Anything that went wrong with a Luna.

    `status` is the HTTP status, 0 where there was no answer; `request_id` finds the request in the
    device's log.
    """

    code = "INTERNAL_ERROR"

    def __init__(self, message: str, *, status: int = 0, request_id: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.request_id = request_id


class ApiError(LunaError):
    """The Luna refused or failed; `code` is its own: VALIDATION_ERROR, MODEL_NOT_LOADED …"""

    def __init__(
        self,
        message: str,
        *,
        code: str,
        status: int = 0,
        request_id: str = "",
        details: Any = None,
    ) -> None:
        super().__init__(message, status=status, request_id=request_id)
        self.code = code
        self.details = details


class RateLimited(ApiError):
    """Too many requests, and waiting as often as allowed did not help.

    `retry_after` is in seconds, None where the Luna did not say.
    """

    retry_after: float | None = None


class Unreachable(LunaError):
    """Nothing answers at the address."""

    code = "UNREACHABLE"


class TimedOut(LunaError):
    """The Luna was silent for longer than `timeout` allows."""

    code = "TIMEOUT"


class ConnectionLost(LunaError):
    """The connection ended before the answer was whole; the text so far is not all of it."""

    code = "CONNECTION_LOST"


class BadAnswer(LunaError):
    """What answers at the address is no Luna, or something between changes its answers."""

    code = "BAD_ANSWER"


class DiscoveryFailed(LunaError):
    """The local network cannot be searched from here."""

    code = "DISCOVERY_FAILED"

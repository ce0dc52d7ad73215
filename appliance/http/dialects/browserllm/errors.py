"""Errors in Browser LLM's frame, by its own codes; a test holds every class against the table."""

from __future__ import annotations

import time
from collections.abc import Callable

from appliance import errors
from appliance.errors import LunaError
from appliance.http.dialects.browserllm import answers, frame
from appliance.http.errors import ErrorShape, error_headers, status_of
from appliance.http.exchange import Reply, json_reply

# The nearest class of an error's family decides.
CODES: dict[type[LunaError], answers.Code] = {
    errors.LunaError: "INTERNAL_ERROR",
    errors.BadRequest: "VALIDATION_ERROR",
    errors.BodyTooLarge: "VALIDATION_ERROR",
    errors.Unauthorized: "VALIDATION_ERROR",
    errors.Forbidden: "VALIDATION_ERROR",
    errors.NotFound: "VALIDATION_ERROR",
    errors.MethodNotAllowed: "VALIDATION_ERROR",
    errors.ModelNotFound: "MODEL_NOT_LOADED",
    errors.ModelLoading: "MODEL_NOT_LOADED",
    errors.ModelLoadFailed: "MODEL_LOAD_FAILED",
    errors.QueueFull: "RATE_LIMIT",
    errors.RateLimited: "RATE_LIMIT",
    errors.Retryable: "INFERENCE_ERROR",
    errors.EngineError: "INFERENCE_ERROR",
    errors.Cancelled: "INFERENCE_ERROR",
    errors.StorageFailed: "STORAGE_ERROR",
}


def code_of(error: LunaError) -> answers.Code:
    """The code that clients act on."""
    return next(CODES[kind] for kind in type(error).__mro__ if kind in CODES)


def failure(error: LunaError, request_id: str, now: float) -> answers.BrowserLlmFailure:
    """The body of an error's answer; `now` is in Unix seconds."""
    details = answers.BrowserLlmDetails(error.code, error.param)
    detail = answers.BrowserLlmErrorDetail(code_of(error), error.message, details)
    return answers.BrowserLlmFailure(error=detail, metadata=frame.metadata(request_id, now))


def shape(clock: Callable[[], float] = time.time) -> ErrorShape:
    """How the errors of this dialect look; `clock` gives Unix seconds."""

    def render(error: LunaError, request_id: str) -> Reply:
        body = failure(error, request_id, clock())
        return json_reply(body, status_of(error), error_headers(error))

    return ErrorShape("BrowserLlm", answers.BrowserLlmFailure, render)


BROWSER_LLM = shape()

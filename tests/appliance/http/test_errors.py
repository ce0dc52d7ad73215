from __future__ import annotations

import json

import pytest

from appliance.errors import (
    BadRequest,
    Cancelled,
    EngineTimeout,
    LunaError,
    MethodNotAllowed,
    QueueFull,
    ReadingUnavailable,
)
from appliance.http.errors import openai_error, render_openai


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (BadRequest("No.", param="a"), 400, "invalid_request_error"),
        (MethodNotAllowed("No.", allowed=("GET", "POST")), 405, "invalid_request_error"),
        (QueueFull("No.", retry_after=9), 503, "server_error"),
        (EngineTimeout("No."), 504, "server_error"),
        (ReadingUnavailable("No."), 501, "server_error"),
        (Cancelled("No."), 499, "cancelled"),
        (LunaError("No."), 500, "server_error"),
    ],
)
def test_an_error_as_openai_shows_it(error: LunaError, status: int, kind: str) -> None:
    reply = render_openai(error, "req_1")
    assert reply.status == status
    assert isinstance(reply.body, bytes)
    assert json.loads(reply.body) == openai_error(error)
    assert openai_error(error) == {
        "error": {"message": "No.", "type": kind, "param": error.param, "code": error.code}
    }


def test_headers_say_when_to_retry_and_what_is_allowed() -> None:
    assert render_openai(QueueFull("No.", retry_after=9), "r").headers == (("Retry-After", "9"),)
    wrong = MethodNotAllowed("No.", allowed=("GET", "POST"))
    assert render_openai(wrong, "r").headers == (("Allow", "GET, POST"),)
    assert render_openai(BadRequest("No."), "r").headers == ()

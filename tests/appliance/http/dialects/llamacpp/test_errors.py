from __future__ import annotations

import json

import pytest

from appliance import errors
from appliance.errors import LunaError
from appliance.http.dialects.llamacpp.errors import LLAMACPP


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (errors.BadRequest("a."), 400, "invalid_request_error"),
        (errors.ModelNotFound("a."), 404, "not_found_error"),
        (errors.BodyTooLarge("a."), 413, "invalid_request_error"),
        (errors.Unsupported("a."), 501, "not_supported_error"),
        (errors.ReadingUnavailable("a."), 501, "not_supported_error"),
        (errors.QueueFull("a.", retry_after=3), 503, "unavailable_error"),
        (errors.EngineDied("a."), 500, "server_error"),
        (errors.EngineTimeout("a."), 504, "server_error"),
        (errors.ContextTooLong("a."), 400, "exceed_context_size_error"),
    ],
)
def test_each_error_has_its_number_and_type(error: LunaError, status: int, kind: str) -> None:
    reply = LLAMACPP.render(error, "r")
    assert isinstance(reply.body, bytes)
    told = json.loads(reply.body)["error"]
    assert reply.status == told["code"] == status
    assert (told["message"], told["type"]) == ("a.", kind)
    assert dict(reply.headers) == ({"Retry-After": "3"} if status == 503 else {})


def test_too_long_a_prompt_is_counted() -> None:
    error = errors.ContextTooLong("a.", prompt_tokens=900, context=512)
    reply = LLAMACPP.render(error, "r")
    assert isinstance(reply.body, bytes)
    told = json.loads(reply.body)["error"]
    assert (told["n_prompt_tokens"], told["n_ctx"]) == (900, 512)

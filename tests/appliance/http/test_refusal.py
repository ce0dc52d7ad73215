"""What the server says by itself."""

from __future__ import annotations

import json

import pytest

from appliance.http.refusal import Refusal


@pytest.mark.parametrize(
    ("status", "kind"), [(400, "invalid_request_error"), (503, "server_error")]
)
def test_it_has_the_shape_of_every_other_error(status: int, kind: str) -> None:
    error = json.loads(Refusal(status, "some_code", "Do this.").body)["error"]
    assert error == {"message": "Do this.", "type": kind, "param": None, "code": "some_code"}


def test_it_is_a_whole_response() -> None:
    refusal = Refusal(503, "busy", "Try again.", retry_after=2)
    head, _, body = refusal.render().partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 503 Service Unavailable"
    assert {
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
        "Retry-After: 2",
        "Server: Luna",
    } <= set(lines)
    assert body == refusal.body


def test_head_gets_no_body() -> None:
    assert Refusal(500, "a", "b").render(with_body=False).endswith(b"\r\n\r\n")

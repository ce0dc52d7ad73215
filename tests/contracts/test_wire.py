"""What goes over the wire, byte by byte: framing of streams, methods, CORS, identifiers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contracts.asking import HELLO
from tests.helpers.server import RunningLuna
from tests.helpers.wire import Response, Wire

pytestmark = pytest.mark.needs("engine")
CHAT, TEXT = "/v1/chat/completions", "/v1/completions"


def post(luna: RunningLuna, path: str, *fields: str, **body: Any) -> Response:
    """The answer to a JSON body."""
    with Wire(luna.port) as wire:
        return wire.request(path, *fields, body=json.dumps(body).encode())


def ask(luna: RunningLuna, method: str, path: str, *fields: str) -> Response:
    """The answer to a request without a body."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *fields, "", ""]
    with Wire(luna.port) as wire:
        return wire.send("\r\n".join(lines).encode()).response(to_head=method == "HEAD")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, {"messages": HELLO}),
        (CHAT, {"messages": HELLO, "n": 2}),
        (TEXT, {"prompt": "Luna"}),
        (TEXT, {"prompt": ["Luna", "is"], "echo": True}),
    ],
)
def test_the_frame_of_a_stream(luna: RunningLuna, path: str, body: dict[str, Any]) -> None:
    answer = post(luna, path, max_tokens=6, stream=True, **body)
    assert answer.status == 200
    assert answer.fields["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.fields["cache-control"] == "no-store"
    assert answer.whole
    *blocks, rest = answer.body.split(b"\n\n")
    assert rest == b""
    # A comment is a block of its own, and no event.
    events = [block for block in blocks if not block.startswith(b":")]
    assert all(event.startswith(b"data: ") and b"\n" not in event for event in events)
    assert events[-1] == b"data: [DONE]"
    chunks = [json.loads(event[6:]) for event in events[:-1]]
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    for index in {choice["index"] for choice in choices}:
        own = [choice for choice in choices if choice["index"] == index]
        reasons = [choice["finish_reason"] for choice in own]
        assert reasons == [None] * (len(own) - 1) + ["length"]
        if path == CHAT:
            roles = [choice["delta"].get("role") for choice in own]
            assert roles == ["assistant"] + [None] * (len(own) - 1)


def test_head_is_get_without_the_body(luna: RunningLuna) -> None:
    for path in ("/luna", "/v1/models", "/docs", "/openapi.json"):
        got, headed = ask(luna, "GET", path), ask(luna, "HEAD", path)
        assert (headed.status, headed.body) == (200, b"")
        assert headed.fields["content-type"] == got.fields["content-type"]
        assert headed.fields["content-length"] == got.fields["content-length"]


def test_options_tells_the_methods_of_a_path(luna: RunningLuna) -> None:
    wanted = {"/health": "GET, HEAD, OPTIONS", CHAT: "POST, OPTIONS"}
    for path, methods in wanted.items():
        answer = ask(luna, "OPTIONS", path)
        assert (answer.status, answer.fields["allow"]) == (204, methods)
    assert ask(luna, "OPTIONS", "/nothing").status == 404


def test_a_browser_may_ask_first(luna: RunningLuna) -> None:
    answer = ask(
        luna,
        "OPTIONS",
        CHAT,
        "Origin: http://app.example",
        "Access-Control-Request-Method: POST",
        "Access-Control-Request-Headers: authorization, x-stainless-os",
    )
    assert answer.status == 204
    assert answer.fields["access-control-allow-origin"] == "*"
    assert "POST" in answer.fields["access-control-allow-methods"]
    assert answer.fields["access-control-allow-headers"] == "authorization, x-stainless-os"


def test_a_browser_may_read_the_answer_and_the_errors(luna: RunningLuna) -> None:
    for path, status in (("/luna", 200), ("/nothing", 404), ("/v1/completions", 405)):
        answer = ask(luna, "GET", path, "Origin: http://app.example")
        assert answer.status == status
        assert answer.fields["access-control-allow-origin"] == "*"
        assert "x-request-id" in answer.fields["access-control-expose-headers"]
    assert "access-control-allow-origin" not in ask(luna, "GET", "/luna").fields


def test_a_request_has_an_id(luna: RunningLuna) -> None:
    assert ask(luna, "GET", "/luna", "X-Request-Id: my-1").fields["x-request-id"] == "my-1"
    made = {ask(luna, "GET", "/luna").fields["x-request-id"] for _ in range(3)}
    assert len(made) == 3
    for odd in ("a b", "x" * 65, "<script>"):
        answer = ask(luna, "GET", "/luna", f"X-Request-Id: {odd}")
        assert answer.fields["x-request-id"].startswith("req_")
    for path in ("/nothing", CHAT):
        assert ask(luna, "GET", path, "X-Request-Id: my-2").fields["x-request-id"] == "my-2"
    streamed = post(luna, CHAT, "X-Request-Id: my-3", messages=HELLO, max_tokens=1, stream=True)
    assert streamed.fields["x-request-id"] == "my-3"


@pytest.mark.parametrize("stream", [False, True])
def test_what_had_no_effect_is_said(luna: RunningLuna, stream: bool) -> None:
    body = {"messages": HELLO, "max_tokens": 1, "stream": stream}
    answer = post(luna, CHAT, user="ann", service_tier="auto", **body)
    assert answer.fields["x-luna-ignored"] == "service_tier, user"
    assert "x-luna-ignored" not in post(luna, CHAT, **body).fields


def test_a_query_string_and_a_charset_do_no_harm(luna: RunningLuna) -> None:
    answer = post(
        luna,
        f"{CHAT}?api-version=1",
        "Content-Type: application/json; charset=utf-8",
        messages=[{"role": "user", "content": "né 😀"}],
        max_tokens=1,
    )
    assert answer.status == 200

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from appliance.domain.cancel import CancelToken
from appliance.errors import LunaError, QueueFull, Unauthorized
from appliance.http.access import Admission
from appliance.http.app import ADDRESS, CALLER, DIALECT, App
from appliance.http.errors import ErrorShape
from appliance.http.exchange import Reply, Request, json_reply
from appliance.http.routes import Handler, Operation, Route
from appliance.serving.answer import Caller
from tests.appliance.http.wsgi import Answer, begin, call, environ


class Pieces:
    """A stream that knows whether it was closed."""

    def __init__(self) -> None:
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        yield b"one "
        yield b"two"

    def close(self) -> None:
        self.closed += 1


def app(handler: Handler, path: str = "/x", method: str = "GET", **more: Any) -> App:
    return App([Route(method, path, handler, Operation("", ""), **more)])


def asked(path: str = "/x", method: str = "GET", body: bytes = b"", **more: Any) -> dict[str, Any]:
    caller = Caller("10.0.0.9", "req_7", CancelToken())
    return environ(method, path, body, **{CALLER: caller}, **more)


def error_of(answer: Answer) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/json"
    return dict(json.loads(answer.body)["error"])


def test_a_handler_sees_the_request() -> None:
    seen: list[Request] = []

    def handler(request: Request) -> Reply:
        seen.append(request)
        return json_reply({"ok": True}, 201, (("X-A", "b"),))

    answer = call(
        app(handler, "/m/{id:path}", "POST"),
        asked("/m/a/b", "POST", b'{"c": 1}', QUERY_STRING="q=1&r=", HTTP_X_TEST="y"),
    )
    assert (answer.status, json.loads(answer.body)) == (201, {"ok": True})
    assert answer.headers["x-a"] == "b"
    assert answer.headers["content-type"] == "application/json"
    (request,) = seen
    assert (request.method, request.path, request.body) == ("POST", "/m/a/b", b'{"c": 1}')
    assert request.parameters == {"id": "a/b"}
    assert request.query == {"q": "1", "r": ""}
    assert request.headers["x-test"] == "y"
    assert request.caller.request_id == "req_7"


def test_a_stream_is_sent_piece_by_piece_and_closed() -> None:
    pieces = Pieces()
    reply = Reply(pieces, content_type="text/event-stream")
    said, body = begin(app(lambda request: reply), asked())
    assert said[0] == 200
    assert list(body) == [b"one ", b"two"]
    assert pieces.closed == 0
    body.close()  # type: ignore[attr-defined]
    assert pieces.closed == 1


def test_a_stream_nobody_reads_is_closed_too() -> None:
    pieces = Pieces()
    _, body = begin(app(lambda request: Reply(pieces)), asked())
    body.close()  # type: ignore[attr-defined]
    assert pieces.closed == 1


def test_our_errors_have_their_status_and_headers() -> None:
    def handler(request: Request) -> Reply:
        raise QueueFull("Too many.", retry_after=3)

    answer = call(app(handler), asked())
    assert answer.status == 503
    assert answer.headers["retry-after"] == "3"
    assert error_of(answer)["code"] == "queue_full"


def test_a_route_may_show_errors_in_its_own_shape() -> None:
    def handler(request: Request) -> Reply:
        raise LunaError("No.")

    def render(error: LunaError, request_id: str) -> Reply:
        return Reply(f"{error.message} {request_id}".encode(), 418, "text/plain")

    shaped = app(handler, "/x/{id:path}", error=ErrorShape("Own", str, render))
    assert call(shaped, asked("/x/y/z")).body == b"No. req_7"
    assert call(shaped, asked("/x/y/z")).status == 418
    assert b"does not take POST" in call(shaped, asked("/x/y/z", "POST")).body
    assert error_of(call(shaped, asked("/y")))["code"] == "not_found"


def test_a_path_that_is_not_there_is_like_those_beside_it() -> None:
    def shape(name: str) -> ErrorShape:
        return ErrorShape(name, str, lambda error, request_id: Reply(name.encode(), 418))

    own, other = shape("Own"), shape("Other")
    routes = [("/a/v1/x", own), ("/a/v1/{id}/y", own), ("/a/z", other), ("/b", own)]
    made = App(
        [
            Route("GET", path, lambda request: Reply(b""), Operation("", ""), error=shape)
            for path, shape in routes
        ]
    )
    for path in ("/a/v1/none", "/a/v1/x/none", "/a/v1/"):
        assert call(made, asked(path)).body == b"Own"
    for path in ("/a/none", "/none", "/", "/b/c"):
        assert error_of(call(made, asked(path)))["code"] == "not_found"


def test_a_fault_of_ours_shows_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    def handler(request: Request) -> Reply:
        raise KeyError("secret detail")

    answer = call(app(handler), asked())
    assert answer.status == 500
    assert b"secret" not in answer.body
    assert "req_7" in error_of(answer)["message"]
    assert "secret detail" in caplog.text
    assert "req_7" in caplog.text


@pytest.mark.parametrize("path", ["/", "/xy", "/x/", "/é", "/<b>"])
def test_no_such_path(path: str) -> None:
    answer = call(app(lambda request: Reply(b"")), asked(path))
    assert answer.status == 404
    error = error_of(answer)
    assert error["code"] == "not_found"
    assert "/docs" in error["message"]


def test_not_this_method() -> None:
    answer = call(app(lambda request: Reply(b""), method="POST"), asked(method="DELETE"))
    assert answer.status == 405
    assert "POST" in answer.headers["allow"]
    assert "DELETE" not in answer.headers["allow"]
    assert error_of(answer)["code"] == "method_not_allowed"


def test_head_is_answered_as_get() -> None:
    answer = call(app(lambda request: Reply(b"abc")), asked(method="HEAD"))
    assert (answer.status, answer.body) == (200, b"")


def test_the_guard_decides_before_the_handler() -> None:
    def handler(request: Request) -> Reply:
        assert request.scopes == {"admin"}
        return Reply(b"done")

    def guard(route: Route, request: Request) -> Admission:
        headers = (("X-Told", route.path),)
        if "x-bad" in request.headers:
            return Admission(request, headers, Unauthorized("Show a key."))
        return Admission(replace(request, scopes=frozenset({"admin"})), headers)

    guarded = App([Route("GET", "/x", handler, Operation("", ""))], guard)
    let_in = call(guarded, asked())
    assert (let_in.status, let_in.body, let_in.headers["x-told"]) == (200, b"done", "/x")
    refused = call(guarded, asked(HTTP_X_BAD="1"))
    assert (refused.status, refused.headers["x-told"]) == (401, "/x")
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert error_of(refused)["code"] == "invalid_api_key"


def test_where_a_request_came_in() -> None:
    seen: list[Request] = []

    def handler(request: Request) -> Reply:
        seen.append(request)
        return Reply(b"")

    call(app(handler), asked() | {ADDRESS: "10.42.0.1", DIALECT: "wingman"})
    call(app(handler), asked())
    assert [(each.address, each.dialect) for each in seen] == [("10.42.0.1", "wingman"), ("", "")]

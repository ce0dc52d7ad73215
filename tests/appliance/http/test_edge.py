from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from appliance.http.app import CALLER, DIALECT, ROUTE
from appliance.http.edge import Edge
from appliance.http.hangup import HangupWatch
from appliance.serving.answer import Caller
from tests.appliance.http.wsgi import Answer, begin, call, environ


class Backend:
    """An application that notes what it was called with."""

    def __init__(self, pieces: Sequence[bytes] = (b"ab", b"c")) -> None:
        self.pieces = pieces
        self.callers: list[Caller] = []
        self.closed = 0
        self.fails = False

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Backend:
        self.callers.append(environ[CALLER])
        if self.fails:
            raise KeyError("a bug")
        start_response("200 OK", [("X-Own", "1")])
        return self

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def backend() -> Backend:
    return Backend()


@pytest.fixture(scope="module")
def watch() -> Iterator[HangupWatch]:
    watch = HangupWatch()
    watch.start()
    yield watch
    watch.stop()


def edge(backend: Backend, watch: HangupWatch, *origins: str) -> Edge:
    return Edge(backend, watch, origins or ("*",))


def ask(backend: Backend, watch: HangupWatch, *origins: str, **more: Any) -> Answer:
    return call(edge(backend, watch, *origins), environ(**more))


def test_a_harmless_request_id_is_kept(backend: Backend, watch: HangupWatch) -> None:
    answer = ask(backend, watch, HTTP_X_REQUEST_ID="my-id_1.2")
    assert answer.headers["x-request-id"] == "my-id_1.2"
    assert answer.headers["x-own"] == "1"
    assert backend.callers[0].request_id == "my-id_1.2"
    assert backend.callers[0].client == "10.0.0.9"


@pytest.mark.parametrize("sent", ["", "a b", "x\r\ny", "é", "x" * 65, "<a>"])
def test_another_one_is_replaced(backend: Backend, watch: HangupWatch, sent: str) -> None:
    ids = {ask(backend, watch, HTTP_X_REQUEST_ID=sent).headers["x-request-id"] for _ in range(2)}
    assert len(ids) == 2
    assert all(each.startswith("req_") for each in ids)


@pytest.mark.parametrize(
    ("origins", "origin", "allowed"),
    [
        (("*",), "http://a", "*"),
        (("http://a",), "http://a", "http://a"),
        (("http://a",), "http://b", None),
        (("*",), None, None),
        ((), "http://a", None),
    ],
)
def test_origins(
    backend: Backend,
    watch: HangupWatch,
    origins: tuple[str, ...],
    origin: str | None,
    allowed: str | None,
) -> None:
    more: dict[str, Any] = {} if origin is None else {"HTTP_ORIGIN": origin}
    answer = call(Edge(backend, watch, origins), environ(**more))
    assert answer.headers.get("access-control-allow-origin") == allowed
    if allowed is not None:
        assert "x-request-id" in answer.headers["access-control-expose-headers"]
    if allowed == origin:
        assert answer.headers.get("vary") == ("Origin" if origin else None)


def test_a_preflight_is_answered_here(backend: Backend, watch: HangupWatch) -> None:
    answer = ask(
        backend,
        watch,
        method="OPTIONS",
        HTTP_ORIGIN="http://a",
        HTTP_ACCESS_CONTROL_REQUEST_METHOD="POST",
        HTTP_ACCESS_CONTROL_REQUEST_HEADERS="x-a, x-b",
        HTTP_ACCESS_CONTROL_REQUEST_PRIVATE_NETWORK="true",
    )
    assert (answer.status, answer.body) == (204, b"")
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "x-a, x-b"
    assert answer.headers["access-control-allow-private-network"] == "true"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert backend.callers == []


def test_other_options_are_the_applications(backend: Backend, watch: HangupWatch) -> None:
    answer = ask(backend, watch, method="OPTIONS")
    assert answer.status == 200
    assert len(backend.callers) == 1


def test_the_log_has_a_line_without_the_query(
    backend: Backend, watch: HangupWatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "luna.access")
    ask(backend, watch, path="/a\n", QUERY_STRING="key=secret", HTTP_X_REQUEST_ID="r1")
    (line,) = caplog.messages
    assert "secret" not in line
    assert "\n" not in line
    for part in ("10.0.0.9", "GET '/a\\n'", "200", "3 bytes", "r1"):
        assert part in line
    assert "cut off" not in line


def test_the_watchdogs_questions_are_no_news(
    backend: Backend, watch: HangupWatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "luna.access")
    ask(backend, watch, path="/luna/engines")
    assert caplog.messages == []
    ask(backend, watch, path="/luna/engines/abort", method="POST")
    assert len(caplog.messages) == 1


def test_an_answer_that_is_not_read_to_its_end_is_closed_and_logged(
    backend: Backend, watch: HangupWatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "luna.access")
    _, pieces = begin(edge(backend, watch), environ())
    assert next(iter(pieces)) == b"ab"
    assert (backend.closed, caplog.messages) == (0, [])
    pieces.close()  # type: ignore[attr-defined]
    assert backend.closed == 1
    assert "cut off" in caplog.messages[0]
    assert "2 bytes" in caplog.messages[0]


def test_a_whole_answer_is_closed_once(backend: Backend, watch: HangupWatch) -> None:
    assert ask(backend, watch).body == b"abc"
    assert backend.closed == 1


def test_who_hangs_up_is_cancelled_while_nothing_is_written(
    backend: Backend, watch: HangupWatch
) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        asked = environ("POST") | {"luna.connection": ours}
        _, pieces = begin(edge(backend, watch), asked)
        cancelled = threading.Event()
        with backend.callers[0].cancel.calling(cancelled.set):
            theirs.close()
            assert cancelled.wait(10)
        pieces.close()  # type: ignore[attr-defined]


def test_the_connection_is_let_go_however_it_ends(backend: Backend, watch: HangupWatch) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for fails in (False, True, False):
            backend.fails = fails
            asked = environ("POST") | {"luna.connection": ours}
            if fails:
                with pytest.raises(KeyError):
                    call(edge(backend, watch), asked)
            else:
                # A socket that is still watched could not be watched again.
                assert call(edge(backend, watch), asked).status == 200


@pytest.mark.parametrize("route", ["/a/{id}", None])
def test_a_request_is_counted_at_its_end(
    backend: Backend, watch: HangupWatch, route: str | None
) -> None:
    counted: list[tuple[str, str, str]] = []

    def count(route: str, method: str, status: str, seconds: float) -> None:
        assert seconds >= 0
        counted.append((route, method, status))

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        if route is not None:
            environ[ROUTE] = route
        return backend(environ, start_response)

    call(Edge(app, watch, ("*",), count=count), environ())
    assert counted == [(route or "", "GET", "200")]


@pytest.mark.parametrize(
    ("dialect", "path", "seen"),
    [
        ("wingman", "/API/Hardware/", "/api/hardware"),
        ("wingman", "/", "/"),
        ("", "/API/Hardware/", "/API/Hardware/"),
    ],
)
def test_paths_on_a_port_of_wingmans_clients(
    backend: Backend, watch: HangupWatch, dialect: str, path: str, seen: str
) -> None:
    asked = environ(path=path) | {DIALECT: dialect}
    call(edge(backend, watch), asked)
    assert asked["PATH_INFO"] == seen

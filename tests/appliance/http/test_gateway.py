"""The application's side: what it is given, and what becomes of what it answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.helpers.wire import Response, Wire, eventually, serving

Start = Callable[..., Any]


def asked(*lines: str, body: bytes = b"") -> dict[str, Any]:
    with serving() as port, Wire(port) as wire:
        response = wire.send("\r\n".join([*lines, "", ""]).encode() + body).response()
    assert response.status == 200
    answer: dict[str, Any] = json.loads(response.body)
    return answer | {"port": str(port)}


def answered(app: Any) -> Response:
    with serving(app) as port, Wire(port) as wire:
        return wire.request("/")


class Answer:
    """An answer that counts how often it is closed."""

    def __init__(self, *chunks: Any) -> None:
        self.chunks = iter(chunks)
        self.closed = 0

    def __call__(self, environ: Any, start_response: Start) -> Answer:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return self

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        chunk = next(self.chunks)
        if isinstance(chunk, BaseException):
            raise chunk
        return chunk  # type: ignore[no-any-return]

    def close(self) -> None:
        self.closed += 1


def test_the_environ_says_what_was_asked() -> None:
    environ = asked(
        "PUT /caf%C3%A9/a%2Fb?x=%20y HTTP/1.1",
        "Host: luna.local",
        "Content-Type: text/plain",
        "X-Two-Words: one",
        "Content-Length: 2",
        body=b"hi",
    )
    expected = {
        "REQUEST_METHOD": "PUT",
        "PATH_INFO": "/caf\xc3\xa9/a/b",
        "QUERY_STRING": "x=%20y",
        "REQUEST_URI": "/caf%C3%A9/a%2Fb?x=%20y",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_PORT": environ["port"],
        "SERVER_SOFTWARE": "Luna",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "luna.local",
        "HTTP_X_TWO_WORDS": "one",
        "CONTENT_TYPE": "text/plain",
        "CONTENT_LENGTH": "2",
        "wsgi.url_scheme": "http",
        "body": "hi",
    }
    assert environ.items() >= expected.items()


def test_a_chunked_body_is_plain_bytes() -> None:
    environ = asked(
        "POST / HTTP/1.1",
        "Host: a",
        "Transfer-Encoding: chunked",
        body=b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    )
    assert (environ["body"], environ["CONTENT_LENGTH"]) == ("abcde", "5")
    assert "HTTP_TRANSFER_ENCODING" not in environ


def test_the_environ_has_the_clients_socket() -> None:
    peers = []

    def app(environ: dict[str, Any], start_response: Start) -> list[bytes]:
        peers.append(environ["luna.connection"].getpeername())
        start_response("204 No Content", [])
        return []

    with serving(app) as port, Wire(port) as wire:
        assert wire.request("/").status == 204
        assert peers == [wire.socket.getsockname()]


def test_every_chunk_is_sent_at_once() -> None:
    more = iter([b"second"])

    def app(environ: dict[str, Any], start_response: Start) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"first"
        eventually(lambda: read, "reading the first chunk")
        yield next(more)

    read: list[bytes] = []
    with serving(app) as port, Wire(port) as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").header()
        for chunk in wire.chunks():
            read.append(chunk)
    assert read == [b"first", b"second", b""]


def test_an_answer_is_closed_once() -> None:
    answer = Answer(b"a", b"", b"b")
    response = answered(answer)
    assert (response.body, response.whole, answer.closed) == (b"ab", True, 1)


@pytest.mark.parametrize(
    "problem", [ValueError("secret"), ConnectionResetError(104, "secret"), SystemExit(1)]
)
def test_a_failure_before_the_first_byte_is_a_500(
    problem: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    answer = Answer(problem)
    response = answered(answer)
    assert (response.status, response.code, answer.closed) == (500, "internal_error", 1)
    assert b"secret" not in response.body
    assert response.fields["connection"] == "close"
    assert "Traceback" in caplog.text


@pytest.mark.parametrize("problem", [ValueError("secret"), BrokenPipeError(32, "engine")])
def test_a_failure_in_mid_stream_breaks_the_stream_off(
    problem: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    answer = Answer(b"a", problem)
    response = answered(answer)
    assert (response.status, response.body, response.whole) == (200, b"a", False)
    assert answer.closed == 1
    assert repr(problem) in caplog.text


def test_a_failure_in_the_call_itself_is_a_500(caplog: pytest.LogCaptureFixture) -> None:
    def app(environ: dict[str, Any], start_response: Start) -> list[bytes]:
        raise FileNotFoundError(2, "secret")

    assert answered(app).code == "internal_error"
    assert "FileNotFoundError" in caplog.text


def test_a_reader_that_left_ends_the_answer(caplog: pytest.LogCaptureFixture) -> None:
    class Endless(Answer):
        def __next__(self) -> bytes:
            return b"x" * 10_000

    answer = Endless()
    with serving(answer) as port:
        with Wire(port) as wire:
            wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").header()
        eventually(lambda: answer.closed == 1)
    assert not caplog.records


def start_twice(environ: Any, start_response: Start) -> list[bytes]:
    start_response("200 OK", [("Content-Length", "1"), ("X-First", "1")])
    try:
        raise ValueError("late")
    except ValueError as problem:
        start_response("418 Teapot", [("X-Second", "1")], (ValueError, problem, None))
    return [b"ab"]


def test_a_second_start_replaces_the_first() -> None:
    response = answered(start_twice)
    assert (response.status, response.body) == (418, b"ab")
    assert "x-first" not in response.fields
    assert "x-second" in response.fields


def broken(*, headers: list[tuple[str, str]] | None = None, chunks: list[Any]) -> Any:
    def app(environ: Any, start_response: Start) -> list[Any]:
        start_response("200 OK", headers or [])
        return chunks

    return app


def silent(environ: Any, start_response: Start) -> list[bytes]:
    return []


def premature(environ: Any, start_response: Start) -> list[bytes]:
    return [b"too early"]


@pytest.mark.parametrize(
    ("app", "complaint"),
    [
        (silent, "did not call start_response"),
        (premature, "before it called start_response"),
        (broken(chunks=["text"]), "must yield bytes, not str"),
        (broken(headers=[("Content-Length", "1")], chunks=[b"ab"]), "longer than its"),
        (broken(headers=[("Content-Length", "1")], chunks=[]), "1 bytes of the answer are missing"),
        (broken(headers=[("X", "a\r\nSet-Cookie: b")], chunks=[]), "control character"),
    ],
)
def test_a_broken_contract_is_a_500(
    app: Any, complaint: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert answered(app).code == "internal_error"
    assert complaint in caplog.text


@pytest.mark.parametrize("chunks", [[b"ab"], [b"ab", b"cdef"]])
def test_a_wrong_length_in_mid_stream_closes_the_connection(
    chunks: list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    with (
        serving(broken(headers=[("Content-Length", "5")], chunks=chunks)) as port,
        Wire(port) as wire,
    ):
        response = wire.request("/")
        assert (response.body, response.whole) == (b"ab", False)
    assert "ApplicationFailed" in caplog.text

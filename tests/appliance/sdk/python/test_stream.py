from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luna_client import ApiError, BadAnswer, ConnectionLost, LunaClient, TokenStream
from tests.helpers.canned import CannedServer, events

DONE: dict[str, Any] = {"type": "done", "data": {"completion": {"text": "x", "tokens": 1}}}


def token(text: str) -> bytes:
    return json.dumps({"type": "token", "data": {"token": text}}, ensure_ascii=False).encode()


def stream(*data: bytes) -> bytes:
    return b"".join(b"data: " + each + b"\n\n" for each in data)


class Body(httpx.SyncByteStream):
    """Pieces of a body; `closed` tells whether it was let go."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces

    def close(self) -> None:
        self.closed = True


def opened(body: httpx.SyncByteStream) -> TokenStream:
    headers = {"content-type": "text/event-stream; charset=utf-8"}
    answer = httpx.Response(200, headers=headers, stream=body)
    client = LunaClient("x", transport=httpx.MockTransport(lambda request: answer))
    return client.generate_stream("Hi")


def said(*pieces: bytes) -> str:
    return "".join(opened(Body(pieces)))


@given(st.lists(st.text(max_size=6), max_size=5), st.integers(1, 7))
def test_a_text_is_whole_however_it_is_cut(sent: list[str], size: int) -> None:
    whole = stream(*map(token, sent), json.dumps(DONE).encode())
    assert said(*(whole[at : at + size] for at in range(0, len(whole), size))) == "".join(sent)


def test_the_completion_is_kept() -> None:
    tokens = opened(Body([stream(token("x"), json.dumps(DONE).encode())]))
    assert tokens.completion is None
    assert list(tokens) == ["x"]
    assert tokens.completion == DONE["data"]["completion"]
    assert list(tokens) == []


def test_comments_and_unknown_types_are_passed_over() -> None:
    other = b'{"type":"metric","data":{}}'
    assert said(b": queued\n\n", stream(other, token("x"), json.dumps(DONE).encode())) == "x"


def test_an_end_without_done_is_no_end() -> None:
    tokens = opened(Body([stream(token("x"))]))
    assert next(tokens) == "x"
    with pytest.raises(ConnectionLost, match="ask again") as caught:
        next(tokens)
    assert caught.value.code == "CONNECTION_LOST"


@pytest.mark.parametrize("length", [b"Transfer-Encoding: chunked\r\n", b"Content-Length: 9999\r\n"])
def test_a_connection_that_breaks_off_is_an_error(length: bytes) -> None:
    chunk = stream(token("x"))
    body = b"%x\r\n%s\r\n" % (len(chunk), chunk) if b"chunked" in length else chunk
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    with CannedServer(head + length + b"\r\n" + body) as server, LunaClient(server.url) as client:
        tokens = client.generate_stream("Hi")
        assert next(tokens) == "x"
        with pytest.raises(ConnectionLost):
            next(tokens)


def test_what_the_luna_says_of_a_failure() -> None:
    failed = {"type": "error", "data": {"error": "The engine died.", "code": "MODEL_LOAD_FAILED"}}
    with pytest.raises(ApiError, match="The engine died") as caught:
        said(stream(token("x"), json.dumps(failed).encode()))
    assert caught.value.code == "MODEL_LOAD_FAILED"
    with pytest.raises(ApiError) as caught:
        said(stream(b'{"type":"error","data":{"error":"No."}}'))
    assert caught.value.code == "INFERENCE_ERROR"


@pytest.mark.parametrize(
    "data",
    [b"{", b"7", b"[]", b"null", b'{"type":"token"}', b'{"type":"done","data":{}}', b"[" * 99_999],
)
def test_what_no_luna_sends(data: bytes) -> None:
    with pytest.raises(BadAnswer):
        said(stream(data))


def test_an_answer_that_is_no_stream() -> None:
    answer = httpx.Response(200, json={"success": True, "data": {}})
    client = LunaClient("x", transport=httpx.MockTransport(lambda request: answer))
    with client, pytest.raises(BadAnswer):
        next(client.generate_stream("Hi"))


def test_closing_lets_go_of_the_answer() -> None:
    body = Body(stream(token(str(n))) for n in range(1000))
    with opened(body) as tokens:
        assert next(tokens) == "0"
        assert not body.closed
    assert body.closed
    assert list(tokens) == []


def test_a_loop_that_is_left_lets_go_of_it_too() -> None:
    body = Body(stream(token(str(n))) for n in range(1000))
    for _ in opened(body):
        break
    assert body.closed


def test_nothing_is_asked_before_the_first_piece_is_wanted() -> None:
    with CannedServer(events(token("x"), json.dumps(DONE).encode())) as server:
        with LunaClient(server.url) as client:
            tokens = client.generate_stream("Hi")
            assert server.requests == []
            assert list(tokens) == ["x"]
        (asked,) = server.requests
    assert json.loads(asked.partition(b"\r\n\r\n")[2])["stream"] is True

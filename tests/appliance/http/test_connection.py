"""How answers are framed and connections are kept."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from appliance.http.connection import Writer
from appliance.http.limits import Limits
from tests.helpers.wire import Wire, eventually, serving


def says(*chunks: bytes, status: str = "200 OK", **fields: str) -> Any:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response(status, [(name.replace("_", "-"), text) for name, text in fields.items()])
        return list(chunks)

    return app


GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
GET_1_0 = b"GET / HTTP/1.0\r\n\r\n"


def test_many_requests_on_one_connection() -> None:
    with serving() as port, Wire(port) as wire:
        for number in range(200):
            assert f'"/{number}"'.encode() in wire.request(f"/{number}").body


def test_pipelined_requests_are_answered_in_order() -> None:
    with serving() as port, Wire(port) as wire:
        wire.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % n for n in range(20)))
        for number in range(20):
            assert f'"PATH_INFO": "/{number}"'.encode() in wire.response().body


def test_http_1_1_without_a_length_is_chunked() -> None:
    with serving(says(b"ab", b"", b"cd")) as port, Wire(port) as wire:
        for _ in range(2):
            wire.send(GET)
            status, fields = wire.header()
            assert (status, fields["transfer-encoding"]) == (200, "chunked")
            assert list(wire.chunks()) == [b"ab", b"cd", b""]


def test_http_1_0_without_a_length_ends_with_the_connection() -> None:
    with serving(says(b"ab", b"cd")) as port, Wire(port) as wire:
        response = wire.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").response()
        assert (response.body, response.fields["connection"]) == (b"abcd", "close")
        assert "transfer-encoding" not in response.fields


def test_http_1_0_may_keep_the_connection() -> None:
    with serving(says(b"ab", Content_Length="2")) as port, Wire(port) as wire:
        for _ in range(2):
            response = wire.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").response()
            assert (response.body, response.fields["connection"]) == (b"ab", "keep-alive")
        assert wire.send(GET_1_0).response().fields["connection"] == "close"
        assert wire.ended()


def test_a_client_may_close() -> None:
    with serving(says(b"ab")) as port, Wire(port) as wire:
        response = wire.request("/", "Connection: close")
        assert (response.body, response.fields["connection"]) == (b"ab", "close")
        assert wire.ended()


def test_the_application_may_close() -> None:
    with serving(says(b"ab", Connection="close")) as port, Wire(port) as wire:
        assert wire.request("/").fields["connection"] == "close"
        assert wire.ended()


@pytest.mark.parametrize(
    "app", [says(b"ab", Content_Length="2"), says(b"ab"), says(Content_Length="2")]
)
def test_head_has_no_body_and_keeps_the_connection(app: Any) -> None:
    with serving(app) as port, Wire(port) as wire:
        for _ in range(2):
            wire.send(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
            response = wire.response(to_head=True)
            assert response.status == 200
            assert response.fields.get("content-length", "2") == "2"
            assert "connection" not in response.fields


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_some_answers_have_no_body(status: str) -> None:
    with serving(says(b"never sent", status=status)) as port, Wire(port) as wire:
        for _ in range(2):
            response = wire.request("/")
            assert response.status == int(status[:3])
            assert not {"transfer-encoding", "content-length"} & response.fields.keys()


def test_the_server_names_itself_and_no_version() -> None:
    with serving(says(b"")) as port, Wire(port) as wire:
        fields = wire.request("/").fields
        assert fields["server"] == "Luna"
        assert fields["date"].endswith(" GMT")


def test_the_applications_own_date_and_server_stand() -> None:
    with serving(says(b"", Date="today", Server="me")) as port, Wire(port) as wire:
        wire.send(GET)
        _, fields = wire.header()
        assert (fields["date"], fields["server"]) == ("today", "me")


def test_a_large_answer_arrives_whole() -> None:
    data = bytes(range(256)) * 40_000
    with serving(says(data, Content_Length=str(len(data)))) as port, Wire(port) as wire:
        assert wire.request("/").body == data


def test_a_reader_that_never_reads_is_dropped() -> None:
    closed: list[bool] = []

    class Endless:
        def __iter__(self) -> Endless:
            return self

        def __next__(self) -> bytes:
            return b"x" * 100_000

        def close(self) -> None:
            closed.append(True)

    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        return Endless()

    with serving(app, Limits(workers=1, send_seconds=0.3)) as port, Wire(port) as wire:
        wire.send(GET)
        eventually(lambda: closed, "dropping the reader")
        with Wire(port) as next_one:
            assert next_one.send(GET).header()[0] == 200


def test_a_writer_names_every_loss_alike() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        ours.settimeout(0.1)
        writer = Writer(ours)
        assert writer.write(b"abc") == 3
        with theirs, pytest.raises(ConnectionResetError):
            writer.write(b"x" * 10_000_000)
        assert writer.broken
        with pytest.raises(ConnectionResetError):
            Writer(ours).write(b"x")

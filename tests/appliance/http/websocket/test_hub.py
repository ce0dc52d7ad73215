"""Clients on real sockets: the way in, the way out, and those who are slow, silent or many."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from appliance.http.limits import KIB
from appliance.http.server import Server
from appliance.http.tls import server_context
from appliance.http.websocket.limits import SocketLimits
from tests.helpers.sockets import (
    CLOSE,
    CONTINUATION,
    HANDSHAKE,
    PING,
    PONG,
    TEXT,
    Echo,
    RawSocket,
    frame,
    port_of,
    socket_server,
)
from tests.helpers.wire import Wire, eventually

HELPERS = Path(__file__).parents[3] / "helpers"
CERTIFICATE, PRIVATE_KEY = HELPERS / "localhost.crt", HELPERS / "localhost.key"


class House:
    """Makes a handler for each client, and remembers them."""

    def __init__(self) -> None:
        self.handlers: list[Echo] = []

    def __call__(self) -> Echo:
        self.handlers.append(Echo())
        return self.handlers[-1]

    @property
    def last(self) -> Echo:
        return self.handlers[-1]


@pytest.fixture(scope="module")
def shared() -> Iterator[Server]:
    with socket_server() as server:
        yield server


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def client_tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(CERTIFICATE))


def test_a_library_of_others_talks_to_it(house: House) -> None:
    with socket_server(house) as server:
        with connect(f"ws://127.0.0.1:{port_of(server)}/any", max_size=None) as client:
            assert client.response is not None
            assert "Content-Length" not in client.response.headers
            for text in ("", "hello", "🌙" * 10_000):
                client.send(text)
                assert client.recv() == text
            client.send(["in ", "three ", "pieces"])
            assert client.recv() == "in three pieces"
            assert client.ping().wait(10)
        assert house.last.closed.wait(10)
        assert (client.close_code, client.close_reason) == (1000, "")


def test_it_works_over_tls(house: House, client_tls: ssl.SSLContext) -> None:
    tls = server_context(CERTIFICATE, PRIVATE_KEY)
    with socket_server(house, tls=tls) as server, socket.socket() as sock:
        sock.connect(("127.0.0.1", port_of(server)))
        uri = f"wss://localhost:{port_of(server)}/"
        with connect(uri, sock=sock, ssl=client_tls) as client:
            client.send("a" * 200 * KIB)
            assert client.recv() == "a" * 200 * KIB
            client.send("bye")
            with pytest.raises(ConnectionClosed):
                client.recv()
        assert (client.close_code, client.close_reason) == (1000, "as you wish")
    assert house.last.closed.is_set()


def test_what_comes_right_behind_the_handshake_is_not_lost(house: House) -> None:
    early = frame(TEXT, b"one") + frame(PING, b"!") + frame(TEXT, b"tw", fin=False)
    with socket_server(house) as server, RawSocket(server, early) as raw:
        raw.send(frame(CONTINUATION, b"o"))
        frames = [raw.frame() for _ in range(3)]
    assert sorted(frames) == [(TEXT, b"one"), (TEXT, b"two"), (PONG, b"!")]


def test_bytes_may_come_one_by_one(house: House) -> None:
    with socket_server(house) as server, RawSocket(server) as raw:
        for byte in frame(TEXT, b"hello"):
            raw.send(bytes([byte]))
        assert raw.text() == "hello"


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(TEXT, b"x", masked=False), 1002),
        (frame(TEXT, b"\xff"), 1007),
        (frame(2, b"x"), 1003),
        (frame(TEXT, b"x" * 1001), 1009),
        (frame(CLOSE, b"\x0f\xa0bye"), 4000),
        (frame(CLOSE), 1005),
    ],
)
def test_the_last_word_arrives_even_when_more_is_being_sent(
    house: House, sent: bytes, code: int
) -> None:
    limits = SocketLimits(message_bytes=1000)
    with socket_server(house, limits) as server, RawSocket(server) as raw:
        raw.send(sent + frame(PING, b"*" * 100) * 1000)
        assert raw.code() == code
        assert house.last.closed.wait(10)


@pytest.mark.parametrize("end", ["close", "reset"])
def test_a_client_that_vanishes_is_forgotten(house: House, end: str) -> None:
    with socket_server(house) as server:
        raw = RawSocket(server)
        eventually(lambda: server.sockets.open == 1)
        raw.wire.reset() if end == "reset" else raw.wire.close()
        assert house.last.closed.wait(10)
        eventually(lambda: server.sockets.open == 0)
        assert dict(server.sockets.closed) == {("1006",): 1}


def test_a_handler_closes_after_what_it_has_said(house: House) -> None:
    with socket_server(house) as server, RawSocket(server) as raw:
        assert house.last.opened.wait(10)
        sock = house.last.socket
        assert sock is not None
        sock.send("last")
        sock.close(4001, "enough")
        sock.send("never sent")
        assert raw.text() == "last"
        assert raw.frame() == (CLOSE, (4001).to_bytes(2, "big") + b"enough")
        raw.send(frame(TEXT, b"not heard") + frame(CLOSE, (4001).to_bytes(2, "big")))
        assert raw.wire.ended()
        assert house.last.closed.wait(10)
    assert house.last.heard == []
    assert dict(server.sockets.closed) == {("other",): 1}


def test_a_client_that_never_answers_a_close_is_not_waited_for(house: House) -> None:
    limits = SocketLimits(close_seconds=0.1)
    with socket_server(house, limits) as server, RawSocket(server) as raw:
        raw.send(frame(TEXT, b"bye"))
        assert raw.code() == 1000
        eventually(lambda: server.sockets.open == 0)


def test_a_handler_that_fails_costs_its_client_only(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    with socket_server(house) as server, RawSocket(server) as bad, RawSocket(server) as good:
        with caplog.at_level(logging.CRITICAL, "tests.sockets"):
            bad.send(frame(TEXT, b"fail"))
            assert bad.code() == 1011
        assert good.send(frame(TEXT, b"hello")).text() == "hello"
        assert house.handlers[0].closed.wait(10)


def test_a_reader_that_stands_still_is_dropped_and_the_others_are_served(house: House) -> None:
    limits = SocketLimits(queue_bytes=100_000)
    with socket_server(house, limits) as server, RawSocket(server) as slow:
        assert house.last.opened.wait(10)
        sock = house.last.socket
        assert sock is not None
        with RawSocket(server) as quick:
            for _ in range(1000):
                sock.send("*" * 10_000)
            assert house.handlers[0].closed.wait(10)
            assert quick.send(frame(TEXT, b"hello")).text() == "hello"
        # What is on its way is read, and then why nothing more comes.
        assert slow.code() == 1008


def test_a_reader_that_takes_nothing_for_long_is_dropped(house: House) -> None:
    limits = SocketLimits(queue_seconds=0.2, close_seconds=0.2)
    with socket_server(house, limits) as server, RawSocket(server):
        assert house.last.opened.wait(10)
        sock = house.last.socket
        assert sock is not None
        sock.send("*" * 10_000_000)  # one message may be longer than the queue
        assert house.last.closed.wait(10)
        eventually(lambda: server.sockets.open == 0)


def test_pings_of_a_reader_that_stands_still_take_no_memory(house: House) -> None:
    limits = SocketLimits(queue_bytes=10_000, close_seconds=0.2)
    with socket_server(house, limits) as server, RawSocket(server) as raw:
        raw.wire.socket.settimeout(0.5)
        with suppress(TimeoutError, ConnectionError):
            while not house.last.closed.is_set():
                raw.send(frame(PING, b"*" * 125) * 1000)
        assert house.last.closed.wait(10)


def test_a_silent_client_is_asked_and_then_given_up(house: House) -> None:
    limits = SocketLimits(ping_seconds=0.1, silent_seconds=2.0)
    with socket_server(house, limits) as server, RawSocket(server) as raw:
        assert raw.frame() == (PING, b"luna")
        raw.send(frame(PONG, b"luna"))
        assert raw.frame() == (PING, b"luna")
        assert raw.code() == 1011


def test_a_message_must_come_to_its_end(house: House) -> None:
    limits = SocketLimits(message_seconds=0.3)
    with socket_server(house, limits) as server, RawSocket(server) as raw:
        raw.send(frame(TEXT, b"x", fin=False))
        assert raw.code() == 1008


def test_who_sends_too_many_messages_is_dropped(house: House) -> None:
    limits = SocketLimits(messages=50)
    with socket_server(house, limits) as server, RawSocket(server) as raw:
        raw.send(frame(TEXT, b"x") * 50)
        assert {raw.text() for _ in range(50)} == {"x"}
        raw.send(frame(TEXT, b"x"))
        assert raw.code() == 1008
    assert len(house.last.heard) == 50


def test_there_is_a_limit_for_each_address(house: House) -> None:
    limits = SocketLimits(clients_per_address=2)
    with socket_server(house, limits) as server, ExitStack() as stack:
        first, second = (stack.enter_context(RawSocket(server)) for _ in range(2))
        eventually(lambda: server.sockets.open == 2)
        third = stack.enter_context(RawSocket(server))
        assert third.code() == 1013
        assert not house.last.opened.is_set()
        first.wire.close()
        third.wire.close()
        eventually(lambda: server.sockets.open == 1)
        with RawSocket(server) as fourth:
            assert fourth.send(frame(TEXT, b"hello")).text() == "hello"
        assert second.send(frame(TEXT, b"hello")).text() == "hello"


def test_who_holds_most_memory_gives_way(house: House) -> None:
    limits = SocketLimits(held_bytes=150_000)
    with socket_server(house, limits) as server, ExitStack() as stack:
        small, large = (stack.enter_context(RawSocket(server)) for _ in range(2))
        small.send(frame(TEXT, b"*" * 60_000, fin=False))
        large.send(frame(TEXT, b"*" * 120_000, fin=False))
        assert large.code() == 1013
        small.send(frame(CONTINUATION))
        assert len(small.text()) == 60_000


def test_a_stopping_server_says_so(house: House) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(socket_server(house))
        polite, deaf = (stack.enter_context(RawSocket(server)) for _ in range(2))
        eventually(lambda: server.sockets.open == 2)
        stopping = threading.Thread(target=server.stop, args=(1.0,))
        stopping.start()
        assert polite.frame()[1].startswith((1001).to_bytes(2, "big"))
        polite.send(frame(CLOSE, (1001).to_bytes(2, "big")))
        assert polite.wire.ended()
        stopping.join(20)
        assert not stopping.is_alive()
        assert deaf.code() == 1001
    assert all(handler.closed.is_set() for handler in house.handlers)


@pytest.mark.parametrize(
    "head", [["GET / HTTP/1.0", *HANDSHAKE], ["GET / HTTP/1.1", "Connection: close", *HANDSHAKE]]
)
def test_a_connection_that_cannot_stay_is_not_upgraded(house: House, head: list[str]) -> None:
    with socket_server(house) as server, Wire(port_of(server)) as wire:
        wire.send("\r\n".join([*head, "Host: a", "", ""]).encode())
        assert wire.response().status == 426
        assert not house.last.opened.is_set()


def test_a_connection_may_have_served_requests_before(house: House) -> None:
    plain = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    handshake = "\r\n".join(["GET / HTTP/1.1", "Host: a", *HANDSHAKE, "", ""]).encode()
    with socket_server(house) as server, Wire(port_of(server)) as wire:
        assert wire.send(plain).response().status == 426
        assert wire.send(plain).response().status == 426
        wire.send(plain + handshake + frame(TEXT, b"hello"))
        assert wire.response().status == 426
        assert wire.header()[0] == 101
        assert wire.read(7) == b"\x81\x05hello"
        assert server.connections == 0


@given(st.binary(min_size=1, max_size=400))
@settings(max_examples=60, deadline=None)
def test_nonsense_costs_the_others_nothing(shared: Server, data: bytes) -> None:
    with RawSocket(shared) as bad, RawSocket(shared) as good:
        with suppress(ConnectionError):
            bad.send(data)
        assert good.send(frame(TEXT, b"hello")).text() == "hello"


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.CRITICAL, "tests.sockets"):
        yield


def test_hundreds_of_idle_clients_cost_no_thread(house: House) -> None:
    with socket_server(house) as server, ExitStack() as stack:
        before = threading.active_count()
        clients = [stack.enter_context(RawSocket(server)) for _ in range(200)]
        eventually(lambda: server.sockets.open == 200)
        assert threading.active_count() == before
        for client in clients:
            client.send(frame(TEXT, b"hello"))
        assert {client.text() for client in clients} == {"hello"}
        assert server.connections == 0
        assert (server.sockets.received, server.sockets.sent) == (200, 200)

"""Starting, serving on many listeners, and stopping."""

from __future__ import annotations

import gc
import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from appliance.http.hangup import HangupWatch
from appliance.http.limits import Limits
from appliance.http.listeners import Listener, bind
from appliance.http.server import Server
from tests.helpers.wire import Wire, descriptors, echo, eventually, serving

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class Slow:
    """An application whose answers begin at once and end when they are told to."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"begun"
        self.begun.set()
        assert self.go.wait(20)
        yield b"ended"


def started(app: Any = echo, **limits: Any) -> tuple[Server, int]:
    server = Server(app, bind("127.0.0.1", 0), Limits(**{"workers": 2, **limits}))
    server.start()
    return server, int(server.addresses[0][1])


def test_many_listeners_and_families_share_one_pool(tmp_path: Path) -> None:
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(str(tmp_path / "luna.sock"))
    unix.listen()
    listeners = [*bind("127.0.0.1", 0), *bind("", 0), Listener(unix)]
    server = Server(echo, listeners, Limits(workers=1))
    server.start()
    try:
        for address in server.addresses[:2]:
            with Wire(int(address[1])) as wire:
                assert f'"SERVER_PORT": "{address[1]}"'.encode() in wire.request("/").body
        assert server.addresses[2] == str(tmp_path / "luna.sock")
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(tmp_path / "luna.sock"))
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            with client.makefile("rb") as answer:
                assert b'"REMOTE_ADDR": ""' in answer.read()
    finally:
        server.stop()


def test_it_answers_when_start_returns() -> None:
    server, port = started()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/")
    assert connection.getresponse().status == 200
    connection.close()
    server.stop()


def test_stop_is_quick_when_nobody_is_in_work() -> None:
    server, port = started()
    with Wire(port) as idle, Wire(port) as fresh:
        assert idle.request("/").status == 200
        before = time.monotonic()
        server.stop(30)
        assert time.monotonic() - before < 5
        assert idle.ended()
        assert fresh.ended()
    with pytest.raises(ConnectionRefusedError):
        Wire(port)


def test_stop_lets_answers_finish_and_then_closes() -> None:
    app = Slow()
    server, port = started(app)
    with Wire(port) as wire, Wire(port) as half:
        half.send(GET[:-2])
        wire.send(GET)
        assert app.begun.wait(5)
        stopping = threading.Thread(target=server.stop, args=(20,))
        stopping.start()

        def refuses() -> bool:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
            except ConnectionError:
                return True
            return False

        eventually(refuses, "refusing new connections")
        half.send(b"\r\n")
        app.go.set()
        assert wire.response().body == b"begunended"
        response = half.response()
        assert (response.body, response.fields["connection"]) == (b"begunended", "close")
        wire.close()
        half.close()
        stopping.join(20)
        assert not stopping.is_alive()


def test_who_came_just_before_the_stop_is_answered() -> None:
    server, port = started()
    with Wire(port) as kept, Wire(port) as fresh:
        assert kept.request("/").status == 200
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        assert kept.ended()  # so the stop has begun
        assert fresh.request("/").status == 200
        stopping.join(20)
        assert not stopping.is_alive()


def test_stop_cuts_what_outlives_the_grace(caplog: pytest.LogCaptureFixture) -> None:
    class Endless(Slow):
        def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
            start_response("200 OK", [])
            while True:
                yield b"x"
                self.begun.set()
                time.sleep(0.01)

    app = Endless()
    server, port = started(app)
    with Wire(port) as wire:
        wire.send(GET)
        assert app.begun.wait(5)
        before = time.monotonic()
        server.stop(0.2)
        assert time.monotonic() - before < 5
        response = wire.response()
        assert not response.whole
    assert "were cut off after 0.2 seconds" in caplog.text
    assert "did not end" not in caplog.text


def test_stop_leaves_a_stuck_application_behind(caplog: pytest.LogCaptureFixture) -> None:
    app = Slow()
    server, port = started(app)
    with Wire(port) as wire:
        wire.send(GET)
        assert app.begun.wait(5)
        before = time.monotonic()
        server.stop(0)
        assert time.monotonic() - before < 5
    assert "did not end even after" in caplog.text
    app.go.set()


def test_stop_may_be_called_again_and_by_many() -> None:
    server, _ = started()
    threads = [threading.Thread(target=server.stop) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    server.stop()


def test_a_server_that_never_started_can_stop() -> None:
    before = descriptors()
    Server(echo, bind("127.0.0.1", 0), Limits(workers=1)).stop()
    assert descriptors() == before


def test_nothing_is_left_after_stop() -> None:
    def cycle() -> tuple[int, int]:
        server, port = started()
        with Wire(port) as wire:
            assert wire.request("/").status == 200
            server.stop()
        del server
        gc.collect()
        return descriptors(), threading.active_count()

    assert cycle() == cycle()


def test_connections_are_freed_without_the_collector() -> None:
    with serving() as port, ExitStack() as stack:
        gc.collect()
        gc.disable()
        stack.callback(gc.enable)
        for _ in range(20):
            with Wire(port) as wire:
                assert wire.request("/", "Connection: close").status == 200
        living = sum(1 for one in gc.get_objects() if type(one).__name__ == "Connection")
        assert living < 15


def test_a_hangup_is_seen_through_the_environ() -> None:
    watch, gone, begun = HangupWatch(), threading.Event(), threading.Event()
    watch.start()

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        with watch.on_hangup(environ["luna.connection"], gone.set):
            begun.set()
            assert gone.wait(10)
        start_response("200 OK", [])
        return []

    with serving(app) as port, Wire(port) as wire:
        wire.send(GET)
        assert begun.wait(5)
        wire.close()
        assert gone.wait(5)
    watch.stop()


def test_accepted_sockets_send_at_once_and_notice_lost_clients() -> None:
    options = []

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        for level, option in (
            (socket.IPPROTO_TCP, socket.TCP_NODELAY),
            (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
            (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
        ):
            options.append(environ["luna.connection"].getsockopt(level, option))
        return echo(environ, start_response)

    with serving(app, Limits(workers=1, send_seconds=7)) as port, Wire(port) as wire:
        wire.request("/")
    assert options == [1, 1, 7000]

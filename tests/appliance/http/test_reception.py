"""The way to a worker: deadlines, sizes, crowds and memory, with short limits on real sockets."""

from __future__ import annotations

import json
import logging
import select
import socket
import threading
from contextlib import ExitStack
from typing import Any

import pytest

from appliance.http.limits import Limits
from appliance.http.reception import Reception
from tests.helpers.wire import Wire, echo, eventually, serving

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
UPLOAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n"


class Held:
    """An application that answers when it is told to; /quick is answered at once."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.busy = threading.Semaphore(0)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        if environ["PATH_INFO"] != "/quick":
            self.busy.release()
            assert self.go.wait(10)
        return echo(environ, start_response)

    def wait_for(self, count: int) -> None:
        for _ in range(count):
            assert self.busy.acquire(timeout=10)


def uploads(port: int, size: int) -> bool:
    """Whether a body of this size finds room."""
    with Wire(port) as wire:
        return wire.request("/", body=b"x" * size).status == 200


def refusal(wire: Wire) -> tuple[int, str]:
    response = wire.response()
    assert response.fields["connection"] == "close"
    assert wire.ended()
    return response.status, response.code


@pytest.mark.parametrize(
    ("wire", "answer"),
    [
        (b"\x16\x03\x01\x02", (400, "bad_request_line")),
        (b"GET / HTTP/1.1\r\n\r\n", (400, "missing_host")),
        (b"GET / HTTP/1.1\r\nHost: a\n", (400, "bad_line_end")),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", (400, "bad_length")),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n", (413, "request_too_large")),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nFF\r\n",
            (413, "request_too_large"),
        ),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            (400, "bad_chunk"),
        ),
        (b"GET /" + b"a" * 9000, (414, "target_too_long")),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 40_000, (431, "headers_too_large")),
        (b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", (505, "bad_http_version")),
    ],
)
def test_a_refusal_is_json_and_closes(wire: bytes, answer: tuple[int, str]) -> None:
    limits = Limits(workers=1, body_bytes=50)
    with serving(limits=limits) as port, Wire(port) as client:
        assert refusal(client.send(wire)) == answer


def test_a_refusal_reaches_a_client_that_is_still_sending() -> None:
    with serving(limits=Limits(workers=1, body_bytes=50)) as port, Wire(port) as wire:
        wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n")
        wire.send(b"x" * 3_000_000)
        assert wire.response().code == "request_too_large"


def test_a_client_that_waits_for_the_end_is_told_of_it_at_once() -> None:
    with serving(limits=Limits(workers=1, linger_seconds=60)) as port, Wire(port) as wire:
        assert wire.request("/", "Connection: close").status == 200
        assert wire.ended()


def test_a_client_that_never_closes_is_not_lingered_for_long() -> None:
    limits = Limits(workers=1, linger_seconds=0.2)
    with serving(limits=limits) as port, Wire(port) as wire:
        assert refusal(wire.send(b"nonsense\r\n")) == (400, "bad_request_line")

        def is_cut_off() -> bool:
            try:
                wire.send(b"more")
            except ConnectionError:
                return True
            return False

        eventually(is_cut_off)


def test_a_good_request_before_a_bad_one_is_answered() -> None:
    with serving() as port, Wire(port) as wire:
        wire.send(GET + b"nonsense\r\n\r\n")
        assert wire.response().status == 200
        assert refusal(wire) == (400, "bad_request_line")


def test_the_header_has_one_deadline_for_all_its_bytes() -> None:
    with serving(limits=Limits(workers=1, header_seconds=0.6)) as port, Wire(port) as wire:
        stop = threading.Event()

        def drip() -> None:
            for byte in GET:
                if stop.wait(0.1):
                    return
                wire.send(bytes([byte]))

        dripping = threading.Thread(target=drip)
        dripping.start()
        assert wire.response().code == "request_timeout"
        stop.set()
        dripping.join()


def test_who_says_nothing_is_closed_without_a_word() -> None:
    with serving(limits=Limits(workers=1, header_seconds=0.3)) as port, Wire(port) as wire:
        assert wire.ended()


def test_a_later_header_has_its_deadline_too() -> None:
    limits = Limits(workers=1, header_seconds=0.3, idle_seconds=60)
    with serving(limits=limits) as port, Wire(port) as wire:
        assert wire.request("/").status == 200
        wire.send(b"GET")
        assert refusal(wire) == (408, "request_timeout")


def test_an_idle_connection_is_closed_without_a_word() -> None:
    limits = Limits(workers=1, idle_seconds=0.3)
    with serving(limits=limits) as port, Wire(port) as wire:
        assert wire.request("/").status == 200
        assert wire.ended()


def test_a_body_has_a_deadline() -> None:
    limits = Limits(workers=1, body_seconds=0.3)
    with serving(limits=limits) as port, Wire(port) as wire:
        wire.send(UPLOAD + b"half")
        assert refusal(wire) == (408, "request_timeout")


def test_bytes_that_come_earn_time() -> None:
    limits = Limits(workers=1, body_seconds=0.0, body_rate=100)
    with serving(limits=limits) as port, Wire(port) as wire, Wire(port) as slow:
        slow.send(UPLOAD)
        wire.send(UPLOAD + b"x" * 999)
        assert refusal(slow) == (408, "request_timeout")
        wire.send(b"x")
        assert wire.response().status == 200


def test_a_client_that_expects_it_is_told_to_continue() -> None:
    with serving() as port, Wire(port) as wire:
        for expect in (b"100-continue", b"100-Continue"):
            wire.send(
                b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: %b\r\n\r\n" % expect
            )
            assert wire.header() == (100, {})
            assert b'"body": "hi"' in wire.send(b"hi").response().body


def test_a_body_that_is_there_needs_no_continue() -> None:
    with serving() as port, Wire(port) as wire:
        wire.send(
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nhi"
        )
        assert wire.response().status == 200


def test_a_half_closed_client_gets_its_answer() -> None:
    with serving() as port, Wire(port) as wire:
        wire.send(GET)
        wire.socket.shutdown(socket.SHUT_WR)
        assert wire.response().status == 200
        assert wire.ended()


def test_neither_waiting_nor_idle_clients_take_a_worker() -> None:
    with serving(limits=Limits(workers=1)) as port, ExitStack() as stack:
        clients = [stack.enter_context(Wire(port)) for _ in range(30)]
        for number, client in enumerate(clients):
            if number % 3 == 0:
                assert client.request("/").status == 200
            elif number % 3 == 1:
                client.send(GET[:-2])
            else:
                client.send(UPLOAD + b"some")
        with Wire(port) as honest:
            assert honest.request("/").status == 200


def test_an_address_over_its_cap_loses_its_oldest_waiting_connection() -> None:
    limits = Limits(workers=1, connections_per_address=3)
    with serving(limits=limits) as port, ExitStack() as stack:
        oldest, middle, newest, one_more = (stack.enter_context(Wire(port)) for _ in range(4))
        assert oldest.ended()
        for wire in (middle, newest, one_more):
            assert wire.request("/").status == 200


def test_one_who_has_begun_is_told_why_it_must_go() -> None:
    limits = Limits(workers=1, connections_per_address=1)
    with serving(limits=limits) as port, Wire(port) as slow:
        slow.send(UPLOAD[:-2] + b"Expect: 100-continue\r\n\r\n")
        assert slow.header() == (100, {})
        with Wire(port) as wire:
            assert wire.request("/").status == 200
        response = slow.response()
        assert (response.status, response.code) == (503, "overloaded")
        assert response.fields["retry-after"] == "1"


def test_with_all_in_work_the_newest_is_refused() -> None:
    app = Held()
    limits = Limits(workers=2, connections_per_address=2)
    with serving(app, limits) as port, Wire(port) as one, Wire(port) as two:
        one.send(GET)
        two.send(GET)
        app.wait_for(2)
        with Wire(port) as three:
            response = three.response()
            assert (response.status, response.code) == (503, "overloaded")
            assert int(response.fields["retry-after"]) > 0
        app.go.set()
        assert one.response().status == two.response().status == 200


def test_the_total_is_capped_too() -> None:
    limits = Limits(workers=1, connections=3)
    with serving(limits=limits) as port, ExitStack() as stack:
        clients = [stack.enter_context(Wire(port)) for _ in range(4)]
        assert clients[0].ended()
        assert clients[3].request("/").status == 200


def test_more_than_may_wait_is_refused_at_once() -> None:
    app = Held()
    with serving(app, Limits(workers=1, waiting=1)) as port, ExitStack() as stack:
        working, one, other = (stack.enter_context(Wire(port)) for _ in range(3))
        working.send(GET)
        app.wait_for(1)
        one.send(GET)
        other.send(GET)
        [answered], _, _ = select.select([one.socket, other.socket], [], [], 5)
        refused, waiting = (one, other) if answered is one.socket else (other, one)
        response = refused.response()
        assert (response.status, response.code) == (503, "overloaded")
        app.go.set()
        assert working.response().status == waiting.response().status == 200


def test_the_largest_unfinished_body_gives_way() -> None:
    limits = Limits(workers=1, buffered_bytes=1500)
    with serving(limits=limits) as port, Wire(port) as large, Wire(port) as small:
        large.send(UPLOAD + b"x" * 900)
        small.send(UPLOAD + b"x" * 500)
        small.send(b"x" * 300)
        response = large.response()
        assert (response.status, response.code) == (503, "overloaded")
        assert small.send(b"x" * 200).response().status == 200
        eventually(lambda: uploads(port, 1400), "giving the memory back")


def test_bodies_in_work_count_until_they_are_answered() -> None:
    app = Held()
    limits = Limits(workers=2, buffered_bytes=1500)
    with serving(app, limits) as port, Wire(port) as working, Wire(port) as second:
        working.send(UPLOAD + b"x" * 1000)
        app.wait_for(1)
        assert second.request("/quick", body=b"x" * 600).code == "overloaded"
        app.go.set()
        assert working.response().status == 200
        eventually(lambda: uploads(port, 600), "giving the memory back")


def test_a_reset_in_work_is_survived(caplog: pytest.LogCaptureFixture) -> None:
    app = Held()
    with serving(app, Limits(workers=1)) as port:
        with Wire(port) as wire:
            wire.send(GET)
            app.wait_for(1)
            wire.reset()
        app.go.set()
        with Wire(port) as wire:
            assert json.loads(wire.request("/quick").body)["PATH_INFO"] == "/quick"
    assert not caplog.records


def test_a_stumble_is_logged_and_survived(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, stumbles = Reception._welcome, [ValueError("stumble")]

    def welcome(self: Reception, caller: Any) -> None:
        if stumbles:
            caller.socket.close()
            raise stumbles.pop()
        real(self, caller)

    monkeypatch.setattr(Reception, "_welcome", welcome)
    with serving() as port:
        with Wire(port) as lost:
            assert lost.ended()
        with Wire(port) as wire:
            assert wire.request("/").status == 200
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "stumble" in caplog.text

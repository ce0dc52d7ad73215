"""Hostile, broken and merely numerous clients against a server with its default limits."""

from __future__ import annotations

import logging
import random
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from appliance.http.limits import Limits
from appliance.http.tls import server_context
from tests.helpers.wire import Wire, descriptors, echo, eventually, serving

HEADER = b"POST /v1/x HTTP/1.1\r\nHost: luna.local\r\n"
REQUEST = HEADER + b"Content-Length: 5\r\nX-Field: value\r\n\r\nhello"
CHUNKED = HEADER + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
FILES = Path(__file__).parents[1] / "helpers"
HONEST_SECONDS = 1.0
# Where the attack itself takes the processor, which it shares with the server and the tests.
BUSY_SECONDS = 5.0


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No client can make the server complain."""
    yield
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def honest(port: int, tls: ssl.SSLContext | None = None) -> float:
    """Seconds that one fresh client waits for its answer."""
    before = time.monotonic()
    with Wire(port, tls) as wire:
        assert wire.request("/", body=b"hello").status == 200
    return time.monotonic() - before


def call(port: int, source: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 10, source_address=(source, 0))


@contextmanager
def dripping(clients: list[socket.socket], data: bytes) -> Iterator[None]:
    """Every client sends one byte of `data` every now and then, for ever."""
    stop = threading.Event()

    def drip() -> None:
        at = 0
        while not stop.wait(0.02):
            for client in clients:
                try:
                    client.send(data[at % len(data) :][:1])
                except OSError:
                    continue
            at += 1

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize(
    ("start", "drip"),
    [
        (b"", b""),
        (b"GET / HTTP/1.1\r\n", b"X-Y: z\r\n"),
        (HEADER + b"Content-Length: 1000000\r\n\r\n", b"x"),
        (HEADER + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
    ids=["half-open", "header", "body", "chunks"],
)
def test_two_hundred_who_hold_back_delay_nobody(start: bytes, drip: bytes) -> None:
    with serving(limits=Limits()) as port, ExitStack() as stack:
        clients = [stack.enter_context(call(port)) for _ in range(200)]
        for client in clients:
            client.sendall(start)
        if drip:
            stack.enter_context(dripping(clients, drip))
        assert max(honest(port) for _ in range(20)) < HONEST_SECONDS


def test_all_of_them_together_delay_nobody() -> None:
    with serving(limits=Limits()) as port, ExitStack() as stack:
        starts = [b"", b"GET / HTTP/1.1\r\n", HEADER + b"Content-Length: 1000000\r\n\r\n"]
        clients = []
        for number in range(600):
            client = stack.enter_context(call(port))
            clients.append(client)
            client.sendall(starts[number % 3])
        stack.enter_context(dripping(clients, b"x"))
        assert max(honest(port) for _ in range(20)) < HONEST_SECONDS


def test_many_addresses_delay_nobody() -> None:
    limits = Limits(connections=300, connections_per_address=100)
    with serving(limits=limits) as port, ExitStack() as stack:
        for number in range(800):
            stack.enter_context(call(port, f"127.0.0.{2 + number % 8}"))
        assert max(honest(port) for _ in range(20)) < HONEST_SECONDS


def test_unfinished_handshakes_delay_nobody() -> None:
    context = server_context(FILES / "localhost.crt", FILES / "localhost.key")
    trusting = ssl.create_default_context(cafile=str(FILES / "localhost.crt"))
    with serving(limits=Limits(), tls=context) as port, ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(call(port)).sendall(b"\x16\x03\x01\x02\x00\x01\x00")
        assert max(honest(port, trusting) for _ in range(5)) < HONEST_SECONDS


def test_crumbs_starve_nobody() -> None:
    with serving(limits=Limits()) as port, ExitStack() as stack:
        clients = [stack.enter_context(call(port)) for _ in range(100)]
        crumbs = b"20\r\n" + b"x" * 32 + b"\r\n"
        for client in clients:
            client.setblocking(False)
            client.send(HEADER + b"Transfer-Encoding: chunked\r\n\r\n")
        stop = threading.Event()

        def shovel() -> None:
            while not stop.is_set():
                for client in clients:
                    try:
                        client.send(crumbs * 500)
                    except OSError:
                        continue

        thread = threading.Thread(target=shovel)
        thread.start()
        try:
            assert max(honest(port) for _ in range(5)) < BUSY_SECONDS
        finally:
            stop.set()
            thread.join()


def stream(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
    start_response("200 OK", [("Content-Type", "text/event-stream")])
    count = int(environ["QUERY_STRING"] or "0")
    for number in range(count):
        yield b"data: %d\n\n" % number


def test_sixty_four_streams_arrive_whole_beside_idle_clients() -> None:
    together = threading.Barrier(64)

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"] != "/stream":
            return echo(environ, start_response)
        together.wait(20)
        return stream(environ, start_response)

    with serving(app, Limits()) as port, ExitStack() as stack:
        for _ in range(100):
            assert stack.enter_context(Wire(port)).request("/").status == 200
        clients = [stack.enter_context(Wire(port)) for _ in range(64)]
        for client in clients:
            client.send(b"GET /stream?200 HTTP/1.1\r\nHost: a\r\n\r\n")
        expected = b"".join(b"data: %d\n\n" % number for number in range(200))
        for client in clients:
            response = client.response()
            assert response.whole
            assert response.body == expected


def test_readers_who_never_read_starve_nobody() -> None:
    with serving(flood, Limits()) as port, ExitStack() as stack:
        for _ in range(80):
            stack.enter_context(call(port)).sendall(b"GET /flood HTTP/1.1\r\nHost: a\r\n\r\n")
        assert max(honest(port) for _ in range(10)) < BUSY_SECONDS


def flood(environ: dict[str, Any], start_response: Any) -> Any:
    if environ["PATH_INFO"] != "/flood":
        return echo(environ, start_response)
    start_response("200 OK", [])
    return iter(lambda: b"x" * 65536, b"")


@pytest.mark.parametrize("request_bytes", [REQUEST, CHUNKED], ids=["length", "chunked"])
@pytest.mark.parametrize("leave", [Wire.close, Wire.reset], ids=["close", "reset"])
def test_a_client_may_leave_at_any_byte(
    request_bytes: bytes, leave: Callable[[Wire], None]
) -> None:
    with serving() as port:
        for cut in range(len(request_bytes) + 1):
            wire = Wire(port)
            wire.send(request_bytes[:cut])
            leave(wire)
        assert honest(port) < HONEST_SECONDS


def mutated(dice: random.Random) -> bytes:
    """A request with some bytes changed, lost, doubled or made up."""
    data = bytearray(dice.choice([REQUEST, CHUNKED, REQUEST + CHUNKED]))
    for _ in range(dice.randrange(6)):
        at = dice.randrange(len(data))
        match dice.randrange(4):
            case 0:
                data[at] = dice.randrange(256)
            case 1:
                del data[at : at + dice.randrange(8)]
            case 2:
                data[at:at] = dice.randbytes(dice.randrange(8))
            case 3:
                data[at:at] = dice.choice([b"\r\n", b"\n", b"\r", b"\0", b":", b" ", b"0\r\n\r\n"])
        if not data:
            return b"\0"
    return bytes(data)


def test_garbage_gets_an_answer_in_http_or_none() -> None:
    dice = random.Random(1306)
    with serving() as port:
        for _ in range(400):
            with Wire(port) as wire:
                try:
                    wire.send(mutated(dice))
                    wire.socket.shutdown(socket.SHUT_WR)
                    while True:
                        response = wire.response()
                        if response.status != 200:
                            assert response.status in range(400, 600)
                            assert response.code
                except ConnectionError:
                    continue
        assert honest(port) < HONEST_SECONDS


def test_a_thousand_who_only_ring() -> None:
    with serving() as port:
        before = descriptors()
        for number in range(1000):
            wire = Wire(port)
            (wire.reset if number % 2 else wire.close)()
        assert honest(port) < HONEST_SECONDS
        eventually(lambda: descriptors() <= before, "closing what was accepted")


def test_five_thousand_requests_leave_nothing_behind() -> None:
    with serving() as port:
        honest(port)
        before, threads = descriptors(), threading.active_count()
        for _ in range(50):
            with Wire(port) as wire:
                for _ in range(60):
                    assert wire.request("/", body=b"hello").status == 200
        for _ in range(2000):
            honest(port)
        eventually(lambda: descriptors() <= before, "closing every connection")
        assert threading.active_count() == threads


SERVER = """
import logging, sys
from appliance.http.limits import Limits
from appliance.http.listeners import bind
from appliance.http.server import Server
from tests.helpers.wire import echo
logging.basicConfig(stream=sys.stderr)
server = Server(echo, bind("127.0.0.1", 0), Limits(workers=4))
server.start()
print(server.addresses[0][1], flush=True)
sys.stdin.read()
server.stop(0)
"""


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_out_of_descriptors_it_rests_and_recovers() -> None:
    process = subprocess.Popen(
        ["bash", "-c", 'ulimit -n 60; exec "$@"', "-", sys.executable, "-c", SERVER],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process, ExitStack() as stack:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with ExitStack() as crowd:
            for _ in range(100):
                crowd.enter_context(call(port))
            before = cpu_seconds(process.pid)
            threading.Event().wait(1.5)
            assert cpu_seconds(process.pid) - before < 0.75
        stack.callback(process.kill)
        with Wire(port) as wire:
            assert wire.request("/").status == 200
        _, errors = process.communicate("", timeout=30)
        stack.pop_all()
    assert "raise the limit of open files" in errors
    assert "Traceback" not in errors

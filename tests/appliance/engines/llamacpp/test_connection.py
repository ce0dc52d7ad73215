from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.domain.cancel import CancelToken
from appliance.engines.llamacpp.connection import Connection
from appliance.errors import BadRequest, Cancelled, EngineDied, EngineTimeout

PATIENCE_S = 10.0
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
Answer = Callable[[socket.socket], None]


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def whole(status: str, body: bytes) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class Server:
    """Answers each connection on a Unix socket as the test says, one after the other."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.requests: list[bytes] = []
        self.answer: Answer = lambda sock: None
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._sock.bind(str(path))
        self._sock.listen(8)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def says(self, data: bytes) -> None:
        self.answer = lambda sock: sock.sendall(data)

    def close(self) -> None:
        self._sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE_S)
        self._sock.close()

    def _run(self) -> None:
        while True:
            try:
                sock, _ = self._sock.accept()
            except OSError:
                return
            with sock:
                sock.settimeout(PATIENCE_S)
                self.requests.append(_read(sock))
                try:
                    self.answer(sock)
                except OSError:  # the client has left
                    continue


def _read(sock: socket.socket) -> bytes:
    """A request with its body."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := sock.recv(65536)):
            return data
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-len")),
        0,
    )
    while len(body) < length:
        body += sock.recv(65536)
    return head + b"\r\n\r\n" + body


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "s.sock")
    yield server
    server.close()


def connect(path: Path) -> Connection:
    return Connection(path, lambda: EngineDied("It is gone."))


def stream(
    server: Server, cancel: CancelToken | None = None, first: float = 5.0, stall: float = 5.0
) -> Iterator[bytes]:
    connection = connect(server.path)
    return connection.stream("/x", {"a": "é"}, cancel or CancelToken(), first, stall)


def hold(until: threading.Event, *before: bytes) -> Answer:
    """Say something, then nothing until the test is over."""

    def answer(sock: socket.socket) -> None:
        for data in before:
            sock.sendall(data)
        assert until.wait(PATIENCE_S)

    return answer


def test_events_of_a_stream(server: Server) -> None:
    pieces = [b"data: 1\n\nda", b"ta: 2\n\n: ping\n\n", b"data: [DONE]\n\n"]
    server.says(STREAM + b"".join(map(chunk, pieces)) + chunk(b""))
    assert list(stream(server)) == [b"1", b"2", b"[DONE]"]
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /x HTTP/1.1")
    assert json.loads(body) == {"a": "é"}


def test_questions_and_answers(server: Server) -> None:
    server.says(whole("200 OK", b'{"b": [1]}'))
    connection = connect(server.path)
    assert connection.post("/p", {"a": 1}, CancelToken(), PATIENCE_S) == {"b": [1]}
    assert connection.get("/g") == {"b": [1]}
    assert server.requests[1].startswith(b"GET /g HTTP/1.1")


@pytest.mark.parametrize(("answer", "healthy"), [("200 OK", True), ("503 No", False)])
def test_health(server: Server, answer: str, healthy: bool) -> None:
    server.says(whole(answer, b"{}"))
    assert connect(server.path).healthy() is healthy


def test_no_server_is_not_healthy_and_dead(tmp_path: Path) -> None:
    connection = connect(tmp_path / "none.sock")
    assert not connection.healthy()
    with pytest.raises(EngineDied):
        connection.get("/x")
    with pytest.raises(EngineDied):
        next(connection.stream("/x", {}, CancelToken(), 1, 1))


def test_a_refused_connection_is_death(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
        with pytest.raises(EngineDied):
            connect(path).get("/x")


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", b"??"])
def test_an_answer_that_breaks_off_is_death(server: Server, said: bytes) -> None:
    server.says(said)
    with pytest.raises(EngineDied):
        connect(server.path).post("/x", {}, CancelToken(), PATIENCE_S)


def test_a_stream_that_breaks_off_is_death_after_its_events(server: Server) -> None:
    server.says(STREAM + chunk(b"data: 1\n\n") + b"ff\r\nhalf")
    events = stream(server)
    assert next(events) == b"1"
    with pytest.raises(EngineDied):
        list(events)


def test_another_status_is_translated(server: Server) -> None:
    error = {"error": {"code": 400, "type": "invalid_request_error", "message": "no"}}
    server.says(whole("400 Bad Request", json.dumps(error).encode()))
    with pytest.raises(BadRequest, match=r"no\."):
        next(stream(server))


def test_silence_before_the_first_event_has_an_end(server: Server) -> None:
    over = threading.Event()
    server.answer = hold(over, STREAM)
    with pytest.raises(EngineTimeout):
        next(stream(server, first=0.05))
    server.answer = hold(over)
    with pytest.raises(EngineTimeout):
        connect(server.path).post("/x", {}, CancelToken(), 0.05)
    over.set()


def test_silence_between_two_events_has_an_end(server: Server) -> None:
    over = threading.Event()
    server.answer = hold(over, STREAM, chunk(b"data: 1\n\n"))
    events = stream(server, first=PATIENCE_S, stall=0.05)
    assert next(events) == b"1"
    with pytest.raises(EngineTimeout):
        next(events)
    over.set()


def test_comments_are_no_sign_of_life(server: Server) -> None:
    over = threading.Event()

    def ping(sock: socket.socket) -> None:
        sock.sendall(STREAM)
        while not over.wait(0.005):
            sock.sendall(chunk(b": ping\n\n"))

    server.answer = ping
    with pytest.raises(EngineTimeout):
        next(stream(server, first=0.1))
    over.set()


@pytest.mark.parametrize("before", [(), (STREAM,), (STREAM, chunk(b"data: 1\n\n"))])
def test_cancelling_wakes_who_waits(server: Server, before: tuple[bytes, ...]) -> None:
    over, asked = threading.Event(), threading.Event()
    held = hold(over, *before)

    def answer(sock: socket.socket) -> None:
        asked.set()
        held(sock)

    server.answer = answer
    cancel = CancelToken()
    errors: list[Any] = []

    def read() -> None:
        try:
            for _ in stream(server, cancel, first=1000, stall=1000):
                pass
            cancel.check()
        except Cancelled as error:
            errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    assert asked.wait(PATIENCE_S)
    cancel.cancel()
    reader.join(PATIENCE_S)
    assert not reader.is_alive()
    assert errors == [cancel.reason]
    over.set()


def test_one_that_was_cancelled_before_is_not_asked(server: Server) -> None:
    server.says(whole("200 OK", b"{}"))
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        connect(server.path).post("/x", {}, cancel, PATIENCE_S)


def test_closing_a_stream_closes_the_connection(server: Server) -> None:
    gone = threading.Event()

    def answer(sock: socket.socket) -> None:
        sock.sendall(STREAM + chunk(b"data: 1\n\n"))
        if sock.recv(1) == b"":
            gone.set()

    server.answer = answer
    events = connect(server.path).stream("/x", {}, CancelToken(), PATIENCE_S, PATIENCE_S)
    assert next(events) == b"1"
    events.close()  # type: ignore[attr-defined]
    assert gone.wait(PATIENCE_S)

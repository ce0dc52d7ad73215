from __future__ import annotations

import json
import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from appliance.cli.client import Client, ServerFailed, ServerUnreachable
from tests.helpers.canned import CannedServer, events, http

CERTIFICATE = Path(__file__).parents[2] / "helpers/localhost.crt"
HELLO = b'{"choices":[{"index":0,"delta":{"role":"assistant","content":"Hel"}}],"x":1}'
END = b'{"choices":[{"delta":{"content":"lo"},"finish_reason":"stop"}]}'
USAGE = b'{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}'


def test_a_stream_gives_its_chunks() -> None:
    with CannedServer(events(HELLO, END, USAGE, b"[DONE]")) as server:
        client = Client(f"{server.url}/v1", "secret")
        chunks = list(client.chat({"messages": []}))
    assert "".join(chunk.delta.content or "" for chunk in chunks) == "Hello"
    assert chunks[1].finish_reason == "stop"
    assert chunks[2].usage is not None
    assert chunks[2].usage.completion_tokens == 2
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")
    assert b"Authorization: Bearer secret" in head
    assert json.loads(body) == {"messages": [], "stream": True}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (events(HELLO, b'{"error":{"message":"The engine stopped."}}'), "The engine stopped"),
        (events(HELLO), "broke off"),
        (events(HELLO, b"{"), "no OpenAI-compatible server"),
        (events(HELLO, b'{"choices":7}'), "no OpenAI-compatible server"),
        (http(b'{"error":{"message":"No such model."}}', "404 Not Found"), "No such model"),
        (http(b'{"error":"short"}', "400 Bad Request"), "short"),
        (http(b"<html>", "404 Not Found"), "does not know that path"),
        (http(b"", "401 Unauthorized"), "--api-key-file"),
        (http(b"[]", "500 Internal Server Error"), "status 500"),
        (b"SSH-2.0-OpenSSH\r\n", "not a Luna"),
        (b"", "broke off"),
    ],
)
def test_failures_are_sentences(answer: bytes, said: str) -> None:
    with CannedServer(answer) as server, pytest.raises(ServerFailed, match=said):
        list(Client(server.url).chat({}))


def test_lines_are_objects() -> None:
    with CannedServer(http(b'{"status":"a"}\n{"total":5}\n')) as server:
        assert list(Client(server.url).lines("/api/pull", {})) == [{"status": "a"}, {"total": 5}]


@pytest.mark.parametrize(
    ("line", "said"),
    [(b'{"error":"Too full."}', "Too full"), (b"[1]", "not a Luna"), (b"x", "not a Luna")],
)
def test_a_line_that_is_an_error_ends_them(line: bytes, said: str) -> None:
    with CannedServer(http(b'{"status":"a"}\n' + line)) as server:
        lines = Client(server.url).lines("/api/pull", {})
        assert next(lines) == {"status": "a"}
        with pytest.raises(ServerFailed, match=said):
            next(lines)


def test_a_json_answer_that_is_none_is_a_failure() -> None:
    with CannedServer(http(b"<html>")) as server, pytest.raises(ServerFailed, match="not a Luna"):
        Client(server.url).get("/luna")


def test_no_server_says_how_to_start_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(ServerUnreachable, match="luna serve"):
        Client(f"localhost:{port}").get("/")


@pytest.mark.parametrize(
    "url", ["", "http://", "http://a:b", "unix:", "http://[::1", "http://a:99999"]
)
def test_what_is_no_url_is_told(url: str) -> None:
    with pytest.raises(ServerUnreachable, match="not a server's URL"):
        Client(url)


def test_a_silent_server_is_left() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(ServerFailed, match="silent"),
    ):
        Client(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.1).get("/")


def test_tls_with_an_unknown_certificate_is_refused() -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE, CERTIFICATE.with_suffix(".key"))
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                context.wrap_socket(connection, server_side=True).close()

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(ServerUnreachable, match="SSL_CERT_FILE"):
            Client(f"https://localhost:{listener.getsockname()[1]}").get("/")
        thread.join()


def test_a_unix_socket_is_reached(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(http(b'{"a": 1}'))

        thread = threading.Thread(target=serve)
        thread.start()
        assert Client(f"unix:{path}").get("/") == {"a": 1}
        thread.join()


def test_closing_a_stream_closes_the_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = threading.Event()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(10.0)
                connection.recv(65536)
                connection.sendall(events(HELLO))
                while connection.recv(65536):
                    pass
                closed.set()

        thread = threading.Thread(target=serve)
        thread.start()
        chunks = Client(f"http://127.0.0.1:{listener.getsockname()[1]}").chat({})
        assert next(chunks).delta.content == "Hel"
        chunks.close()
        assert closed.wait(10.0)
        thread.join()

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import config
from appliance.errors import ConfigError
from appliance.http.listeners import Listener, bind
from appliance.http.tls import server_context
from appliance.watchdog.readings import Heartbeat
from appliance.watchdog.server import Server, ServerRefused, server_url
from tests.appliance.watchdog.api import Api, api
from tests.helpers.wire import serving

ROW = {
    "model": "qwen",
    "device": "npu",
    "pid": 12,
    "state": "loaded",
    "running": 1,
    "waiting": 3,
    "tokens": 40,
    "last_token_age_s": 1.5,
    "prefill_allowance_s": 30.0,
}


@pytest.fixture
def fake() -> Iterator[Api]:
    with api() as running:
        yield running


def test_heartbeats(fake: Api) -> None:
    fake.engines = [ROW, {"model": "tiny", "something_new": 1}]
    assert Server(fake.url).heartbeats() == (
        Heartbeat("qwen", True, 12, "loaded", 1, 40, 1.5, 30.0),
        Heartbeat("tiny", state=""),
    )


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, b"{}"), (403, b"no"), (500, b""), (200, b"\xff"), (200, b"[]"), (200, b'{"engines":1}')],
)
def test_a_server_that_says_something_else_is_alive(fake: Api, status: int, body: bytes) -> None:
    fake.status, fake.body = status, body
    assert Server(fake.url).heartbeats() == ()


def test_a_server_that_is_gone() -> None:
    with api() as fake:
        url = fake.url
    server = Server(url)
    assert server.heartbeats() is None
    assert server.infer("qwen") is False
    with pytest.raises(ServerRefused, match="does not answer"):
        server.abort("qwen")


def test_what_it_is_told(fake: Api) -> None:
    server = Server(fake.url)
    server.abort("qwen")
    server.restart("qwen")
    assert fake.asked == [
        ("/luna/engines/abort", {"model": "qwen"}),
        ("/luna/engines/restart", {"model": "qwen"}),
    ]
    fake.status = 404
    with pytest.raises(ServerRefused, match="404"):
        server.restart("qwen")


@pytest.mark.parametrize(("status", "well"), [(200, True), (503, True), (500, False), (504, False)])
def test_a_canary(fake: Api, status: int, *, well: bool) -> None:
    fake.status = status
    assert Server(fake.url).infer("qwen") is well
    ((path, body),) = fake.asked
    assert path == "/v1/chat/completions"
    assert (body["model"], body["max_tokens"]) == ("qwen", 1)


@pytest.mark.parametrize(
    "url", ["", "localhost:80", "ftp://x", "http://", "http://h:port", "unix:"]
)
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(ConfigError, match=r"watchdog\.url"):
        Server(url)


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({}, "http://127.0.0.1:8080"),
        ({"server.port": 80}, "http://127.0.0.1:80"),
        ({"server.tls_certificate": "c.pem"}, "https://127.0.0.1:8080"),
        ({"watchdog.url": "http://127.0.0.1:9"}, "http://127.0.0.1:9"),
    ],
)
def test_where_the_server_is(settings: dict[str, object], url: str) -> None:
    assert server_url(config.load([], {}, settings)) == url


def test_its_certificate_may_name_the_device() -> None:
    helpers = Path(__file__).parents[2] / "helpers"
    context = server_context(helpers / "localhost.crt", helpers / "localhost.key")
    with serving(tls=context) as port:
        assert Server(f"https://127.0.0.1:{port}").heartbeats() == ()


def test_a_socket_in_the_file_system(tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(path))
        unix.listen()
        with serving(listeners=[*bind("127.0.0.1", 0), Listener(unix)]):
            assert Server(f"unix:{path}").heartbeats() == ()
    assert Server(f"unix:{path}").heartbeats() is None

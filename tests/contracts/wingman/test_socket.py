"""Wingman's socket on the appliance's ports: where it is, and who may do what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from appliance import config
from appliance.domain.keys import digest, new_secret
from appliance.store.database import Database
from appliance.store.keys import Keys
from tests.contracts.scripted import Stage, performing
from tests.helpers.server import RunningLuna
from tests.helpers.wire import PATIENCE_S, Wire, eventually

EVERYTHING = {
    "status",
    "DownloadService",
    "DownloadItems",
    "WingmanService",
    "WingmanItems",
    "currentWingmanInferenceItem",
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with performing(tmp_path_factory.mktemp("stage")) as stage:
        yield stage


@contextmanager
def talking(port: int, path: str = "/", **more: Any) -> Iterator[ClientConnection]:
    with connect(f"ws://127.0.0.1:{port}{path}", proxy=None, **more) as connection:
        yield connection


def told(connection: ClientConnection, *wanted: str) -> dict[str, Any]:
    """Frames by their keys, up to the last one that is wanted."""
    found: dict[str, Any] = {}
    while not found.keys() >= set(wanted):
        found |= json.loads(connection.recv(PATIENCE_S))
    return found


def error(connection: ClientConnection) -> str:
    return str(told(connection, "error")["error"]["code"])


@pytest.mark.parametrize("path", ["/", "/ws"])
def test_it_is_where_wingmans_clients_look(stage: Stage, path: str) -> None:
    with talking(stage.port, path) as connection:
        frames = told(connection, *EVERYTHING)
    assert frames["DownloadItems"] == frames["WingmanItems"] == []
    assert frames["currentWingmanInferenceItem"] == {}
    assert frames["status"]["version"]


def test_other_paths_are_no_sockets(stage: Stage) -> None:
    for path in ("/health", "/nowhere", "/v1/chat/completions"):
        with pytest.raises(InvalidStatus):
            connect(f"ws://127.0.0.1:{stage.port}{path}", proxy=None)


def test_a_port_of_wingmans_clients_takes_any_path(tmp_path: Path) -> None:
    listener = '[[server.listeners]]\nhost = "127.0.0.1"\nport = 0\ndialect = "wingman"\n'
    with RunningLuna(tmp_path, settings=listener) as luna:
        eventually(lambda: luna.log.count("Luna is ready") == 2)
        port = int(luna.log.split("Luna is ready: ")[2].split()[0].rpartition(":")[2])
        for path in ("/", "/any/path", "/v1/models?x=1"):
            with talking(port, path) as connection:
                assert told(connection, "WingmanService")
        with talking(port, "/api/v1/ws") as connection:
            connection.send('{"type": "abort", "id": "x"}')
            assert json.loads(connection.recv(PATIENCE_S))["type"] == "error"


@pytest.mark.parametrize("path", ["/ws", "/api/v1/ws"])
def test_a_name_of_elsewhere_is_refused(stage: Stage, path: str) -> None:
    with Wire(stage.port) as wire:
        head = f"GET {path} HTTP/1.1\r\nHost: evil.example\r\nUpgrade: websocket\r\n"
        answer = wire.send(f"{head}Connection: Upgrade\r\n\r\n".encode()).response()
    assert answer.status == 421


def test_pages_of_elsewhere_may_listen_but_not_end_the_server(stage: Stage) -> None:
    with talking(stage.port, origin=Origin("http://evil.example")) as connection:
        told(connection, *EVERYTHING)
        connection.send("shutdown")
        assert error(connection) == "forbidden"


@pytest.mark.parametrize("path", ["/", "/ws", "/api/v1/ws"])
def test_pages_that_cors_leaves_out_get_no_socket(tmp_path: Path, path: str) -> None:
    settings = {"server.cors_origins": ["http://app.example"]}
    with performing(tmp_path, settings) as stage:
        with pytest.raises(InvalidStatus) as caught:
            connect(
                f"ws://127.0.0.1:{stage.port}{path}",
                proxy=None,
                origin=Origin("http://evil.example"),
            )
        assert caught.value.response.status_code == 403
        for origin in ("http://app.example", f"http://127.0.0.1:{stage.port}"):
            with talking(stage.port, path, origin=Origin(origin)):
                pass
        with talking(stage.port, path):
            pass


def test_keys_open_it(tmp_path: Path) -> None:
    with performing(tmp_path) as stage:
        settings = config.load([], {}, {"data": str(tmp_path)})
        database = Database(settings.database_file({}))
        secret = new_secret()
        Keys(database).add("a phone", ["inference"], digest(secret))
        database.close()
        for path in ("/", "/api/v1/ws"):
            url = f"ws://127.0.0.1:{stage.port}{path}"
            with pytest.raises(InvalidStatus) as caught:
                connect(url, proxy=None)
            assert caught.value.response.status_code == 401
            header = {"Authorization": f"Bearer {secret}"}
            with talking(stage.port, path, additional_headers=header):
                pass
            offered = [Subprotocol("luna"), Subprotocol(f"luna-key.{secret}")]
            with talking(stage.port, path, subprotocols=offered) as connection:
                assert connection.subprotocol == "luna"


def test_a_key_counts_for_each_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.http.websocket.guarded.EVERY", 2 * PATIENCE_S)
    generate = json.dumps({"type": "generate", "id": "a", "payload": {"prompt": "Hello"}})

    def answer(connection: ClientConnection) -> Any:
        connection.send(generate)
        while (message := json.loads(connection.recv(PATIENCE_S)))["type"] == "token":
            pass
        return message

    settings = config.load([], {}, {"data": str(tmp_path)})
    with performing(tmp_path) as stage, ExitStack() as stack:
        keys = Keys(stack.enter_context(closing(Database(settings.database_file({})))))
        early = stack.enter_context(talking(stage.port, "/api/v1/ws"))
        assert answer(early)["type"] == "done"
        secret = new_secret()
        keys.add("a phone", ["inference"], digest(secret))
        keys.add("another", ["inference"], digest(new_secret()))
        eventually(lambda: "API key" in answer(early)["data"].get("error", ""))
        header = {"Authorization": f"Bearer {secret}"}
        phone = stack.enter_context(talking(stage.port, "/api/v1/ws", additional_headers=header))
        assert answer(phone)["type"] == "done"
        keys.revoke("a phone")
        eventually(lambda: "API key" in answer(phone)["data"].get("error", ""))


@pytest.mark.parametrize("path", ["/", "/api/v1/ws"])
def test_what_a_revoked_key_opened_ends(
    tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended_with(connection: ClientConnection) -> int | None:
        with suppress(TimeoutError, ConnectionClosed):
            connection.send("{}")
            connection.recv(0.0)
        return connection.close_code

    monkeypatch.setattr("appliance.http.websocket.guarded.EVERY", 0.2)
    settings = config.load([], {}, {"data": str(tmp_path)})
    with performing(tmp_path) as stage, ExitStack() as stack:
        keys = Keys(stack.enter_context(closing(Database(settings.database_file({})))))
        secrets = {name: new_secret() for name in ("phone", "tablet")}
        for name, secret in secrets.items():
            keys.add(name, ["inference"], digest(secret))
        phone, tablet = (
            stack.enter_context(
                talking(stage.port, path, additional_headers={"Authorization": f"Bearer {secret}"})
            )
            for secret in secrets.values()
        )
        keys.revoke("phone")
        eventually(lambda: ended_with(phone) == 1008, "the end of the phone's")
        assert ended_with(tablet) is None


def test_the_metrics_page_counts_sockets(stage: Stage) -> None:
    def page() -> str:
        with Wire(stage.port) as wire:
            return wire.request("/metrics").body.decode()

    with talking(stage.port) as connection:
        told(connection, *EVERYTHING)
        eventually(lambda: "luna_websockets 1.0" in page())
    eventually(lambda: "luna_websockets 0.0" in page())
    assert 'luna_websocket_closed_total{code="1000"}' in page()


def test_what_does_not_change_is_not_repeated(stage: Stage) -> None:
    with talking(stage.port) as connection, talking(stage.port) as other:
        told(connection, *EVERYTHING)
        told(other, *EVERYTHING)
        other.send('{"subscribe": "Tick"}')
        with pytest.raises(TimeoutError):
            connection.recv(2.5)

"""Browser LLM's WebSocket as its document has it, on an engine that waits where a test wants."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from appliance.domain.cancel import CancelToken
from appliance.engines.scripted import always
from appliance.errors import EngineDied
from appliance.http.dialects.browserllm.socket_generations import EACH
from tests.contracts.scripted import Stage, performing
from tests.helpers.wire import PATIENCE_S, Wire, eventually

PROMPT = {"prompt": "Hello, AI!", "max_tokens": 100}


@pytest.fixture(scope="module")
def playing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with performing(tmp_path_factory.mktemp("socket"), {"rate.generate": 0}) as stage:
        yield stage


@pytest.fixture
def stage(playing: Stage) -> Stage:
    playing.script, playing.failure, playing.fails_at = always(b"Hel", b"lo", b"!"), None, 0
    playing.pause = lambda token, cancel: None
    return playing


class Client:
    """What a script in a browser does."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def say(self, kind: str, id: str, payload: Any = None) -> None:
        message = {"type": kind, "id": id} | ({} if payload is None else {"payload": payload})
        self.connection.send(json.dumps(message))

    def hear(self) -> dict[str, Any]:
        message = json.loads(self.connection.recv(PATIENCE_S))
        assert message.keys() == {"type", "id", "data"}
        return dict(message)

    def until(self, kind: str, id: str) -> list[dict[str, Any]]:
        """Everything up to a message of that type for that id."""
        heard = [self.hear()]
        while (heard[-1]["type"], heard[-1]["id"]) != (kind, id):
            heard.append(self.hear())
        return heard


@contextmanager
def talking(stage: Stage, **more: Any) -> Iterator[Client]:
    url = stage.url.replace("http", "ws", 1) + "/api/v1/ws"
    with connect(url, proxy=None, **more) as connection:
        yield Client(connection)


class Held:
    """Stops every answer before a token, until it is released or cancelled."""

    def __init__(self, stage: Stage, before: int) -> None:
        self._before = before
        self.reached = threading.Semaphore(0)
        self.go = threading.Event()
        stage.pause = self._pause

    def _pause(self, token: int, cancel: CancelToken) -> None:
        if token == self._before:
            self.reached.release()
            woken = threading.Event()
            with cancel.calling(woken.set):
                while not (self.go.wait(0.01) or woken.is_set()):
                    pass
            cancel.check()

    def wait(self) -> None:
        assert self.reached.acquire(timeout=PATIENCE_S)


def test_the_example_of_the_document(stage: Stage) -> None:
    with talking(stage) as client:
        client.say("generate", "req-1", PROMPT)
        *tokens, done = client.until("done", "req-1")
    assert [each["type"] for each in tokens] == ["token"] * len(tokens)
    assert "".join(each["data"]["token"] for each in tokens) == "Hello!"
    assert done["data"]["text"] == "Hello!"
    assert done["data"]["finish_reason"] == "stop"
    assert done["data"]["usage"]["total_tokens"] == sum(
        done["data"]["usage"][name] for name in ("prompt_tokens", "completion_tokens")
    )
    assert done["data"]["performance"].keys() == {
        "tokens_per_second",
        "latency_ms",
        "total_time_ms",
    }
    whole = dict(done["data"])
    assert whole.pop("completion") == whole


def test_what_had_no_effect_is_told(stage: Stage) -> None:
    with talking(stage) as client:
        client.say("generate", "a", PROMPT | {"flavour": "sweet"})
        *tokens, done = client.until("done", "a")
    assert done["data"]["ignored"] == ["flavour"]
    assert not any("ignored" in each["data"] for each in tokens)


def test_without_a_stream_only_the_end_is_told(stage: Stage) -> None:
    with talking(stage) as client:
        client.say("generate", "a", PROMPT | {"stream": False})
        assert client.hear()["data"]["text"] == "Hello!"


def test_several_generations_at_once(stage: Stage) -> None:
    held = Held(stage, 1)
    with talking(stage) as client:
        client.say("generate", "a", PROMPT)
        client.say("generate", "b", PROMPT)
        held.wait()
        held.wait()
        held.go.set()
        heard: list[dict[str, Any]] = []
        while sum(each["type"] == "done" for each in heard) < 2:
            heard.append(client.hear())
    for id in "ab":
        mine = [each for each in heard if each["id"] == id]
        assert "".join(each["data"].get("token", "") for each in mine) == "Hello!"
        assert mine[-1]["type"] == "done"


def test_abort_stops_one_and_frees_its_place(stage: Stage) -> None:
    held = Held(stage, 1)
    with talking(stage) as client:
        client.say("generate", "a", PROMPT)
        client.say("generate", "b", PROMPT)
        held.wait()
        held.wait()
        client.say("abort", "a")
        *_, error = client.until("error", "a")
        assert error["data"]["code"] == "INFERENCE_ERROR"
        assert "aborted" in error["data"]["error"]
        held.go.set()
        client.until("done", "b")
        client.say("generate", "a", PROMPT)
        client.until("done", "a")


def test_who_leaves_stops_everything(stage: Stage) -> None:
    held = Held(stage, 1)
    with talking(stage) as client:
        client.say("generate", "a", PROMPT)
        held.wait()
    eventually(lambda: idle(stage), "the end of the generation")


def idle(stage: Stage) -> bool:
    with Wire(stage.port) as wire:
        health = json.loads(wire.request("/health").body)
    return bool(health["slots_processing"] == 0 and health["requests_waiting"] == 0)


def test_a_name_in_use_is_refused_and_the_generation_goes_on(stage: Stage) -> None:
    held = Held(stage, 1)
    with talking(stage) as client:
        client.say("generate", "a", PROMPT)
        held.wait()
        client.say("generate", "a", PROMPT)
        assert client.until("error", "a")[-1]["data"]["code"] == "VALIDATION_ERROR"
        held.go.set()
        client.until("done", "a")


def test_generations_of_a_socket_are_bounded(stage: Stage) -> None:
    held = Held(stage, 0)
    with talking(stage) as client:
        for number in range(EACH + 1):
            client.say("generate", f"g{number}", PROMPT)
        assert client.until("error", f"g{EACH}")[-1]["data"]["code"] == "RATE_LIMIT"
        held.go.set()
        heard: list[dict[str, Any]] = []
        while sum(each["type"] == "done" for each in heard) < EACH:
            heard.append(client.hear())


@pytest.mark.parametrize(
    ("text", "id"),
    [
        ("nonsense", ""),
        ("[]", ""),
        ('"generate"', ""),
        ("{}", ""),
        ('{"type": "generate"}', ""),
        ('{"type": "generate", "id": ""}', ""),
        ('{"type": "generate", "id": 7}', ""),
        ('{"type": "dance", "id": "a"}', "a"),
        ('{"type": "generate", "id": "a"}', "a"),
        ('{"type": "generate", "id": "a", "payload": null}', "a"),
        ('{"type": "generate", "id": "a", "payload": {"prompt": ""}}', "a"),
        ('{"type": "generate", "id": "a", "payload": {"prompt": "x", "temperature": 3}}', "a"),
        ('{"type": "generate", "id": "a", "payload": {"prompt": "x", "max_tokens": 0}}', "a"),
        ('{"type": "abort", "id": "a"}', "a"),
        ('{"type": "subscribe", "id": "a", "payload": {"events": ["weather"]}}', "a"),
        ('{"type": "subscribe", "id": "a", "payload": {"events": "log"}}', "a"),
        ('{"type": "generate", "id": "a", "payload": ' + "[" * 50_000, ""),
    ],
)
def test_what_makes_no_sense_is_an_error_for_its_id(stage: Stage, text: str, id: str) -> None:
    with talking(stage) as client:
        client.connection.send(text)
        error = client.hear()
        assert (error["type"], error["id"]) == ("error", id)
        assert error["data"]["code"] == "VALIDATION_ERROR"
        assert error["data"]["error"].endswith((".", ")"))
        client.say("generate", "next", PROMPT)
        client.until("done", "next")


@pytest.mark.parametrize("fails_at", [0, 1])
def test_a_failure_of_the_engine_ends_the_generation(stage: Stage, fails_at: int) -> None:
    stage.failure, stage.fails_at = EngineDied("It went wrong; do something else."), fails_at
    with talking(stage) as client:
        client.say("generate", "a", PROMPT)
        *tokens, error = client.until("error", "a")
    assert len(tokens) == fails_at
    assert error["data"] == {
        "error": "It went wrong; do something else.",
        "code": "INFERENCE_ERROR",
    }


def test_a_fault_of_ours_is_logged_and_told_without_its_details(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    def fault(token: int, cancel: CancelToken) -> None:
        raise ZeroDivisionError("a secret detail")

    stage.pause = fault
    with caplog.at_level(logging.CRITICAL), talking(stage) as client:
        client.say("generate", "a", PROMPT)
        error = client.until("error", "a")[-1]
    assert error["data"]["code"] == "INTERNAL_ERROR"
    assert "secret" not in error["data"]["error"]


def test_figures_and_the_log_are_told_to_who_wants_them(stage: Stage) -> None:
    with talking(stage) as client, talking(stage) as deaf:
        client.say("subscribe", "sub-1", {"events": ["metric", "log"]})
        client.say("subscribe", "sub-2", {"events": ["metric"]})
        client.say("generate", "a", PROMPT)
        heard = client.until("done", "a")
        metrics = [each for each in heard if each["type"] == "metric"]
        assert {each["id"] for each in metrics} == {"sub-1", "sub-2"}
        for each in metrics:
            assert each["data"].keys() == {"name", "value", "timestamp", "tags"}
        assert "latency_ms" in {each["data"]["name"] for each in metrics}
        logging.getLogger("tests.socket").error("something happened, password=%s", "hunter2")
        line = client.until("log", "sub-1")[-1]["data"]
        assert (line["level"], line["service"]) == ("error", "tests.socket")
        assert "hunter2" not in line["message"]
        client.say("unsubscribe", "sub-1")
        client.say("unsubscribe", "sub-2", {"events": ["log"]})
        client.say("generate", "b", PROMPT)
        heard = client.until("done", "b")
        assert {each["id"] for each in heard if each["type"] == "metric"} == {"sub-2"}
        deaf.say("generate", "a", PROMPT)
        assert {each["type"] for each in deaf.until("done", "a")} == {"token", "done"}


def test_a_storm_in_the_log_costs_nobody_the_socket(stage: Stage) -> None:
    with talking(stage) as client:
        client.say("subscribe", "s", {"events": ["log"]})
        client.say("abort", "x")
        client.until("error", "x")
        log = logging.getLogger("tests.socket")
        for _ in range(20_000):
            log.warning("a line of some length, to fill the queue that each client has")
        client.say("generate", "a", PROMPT)
        assert len(client.until("done", "a")) < 5000


def test_subscriptions_are_bounded(stage: Stage) -> None:
    with talking(stage) as client:
        for number in range(9):
            client.say("subscribe", f"s{number}")
        assert client.until("error", "s8")[-1]["data"]["code"] == "VALIDATION_ERROR"


def test_generations_count_as_requests_do(tmp_path: Path) -> None:
    with performing(tmp_path, {"rate.generate": 60}) as stage, talking(stage) as client:
        for number in range(61):
            client.say("generate", f"g{number}", PROMPT | {"stream": False})
            heard = client.hear()
            assert heard["type"] == ("done" if number < 60 else "error")
        assert heard["data"]["code"] == "RATE_LIMIT"


def test_a_plain_request_is_told_what_this_is(stage: Stage) -> None:
    with Wire(stage.port) as wire:
        answer = wire.request("/api/v1/ws")
    assert answer.status == 426
    assert answer.fields["upgrade"] == "websocket"
    assert answer.fields["sec-websocket-version"] == "13"
    assert json.loads(answer.body)["error"]["code"] == "VALIDATION_ERROR"

"""A real server as the watchdog sees it, and what becomes of its clients when it is helped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from appliance.watchdog.readings import Heartbeat
from appliance.watchdog.server import Server, ServerRefused
from tests.helpers.server import RunningLuna
from tests.helpers.wire import eventually
from tests.processes.clients import ChatStream, ask, children

pytestmark = pytest.mark.needs("engine")


@pytest.fixture(scope="module")
def luna(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLuna]:
    with RunningLuna(tmp_path_factory.mktemp("luna")) as server:
        server.wait_loaded()
        yield server


def beat(server: Server) -> Heartbeat:
    beats = server.heartbeats()
    assert beats is not None
    (only,) = beats
    return only


def test_a_run_from_its_prompt_to_its_abort(luna: RunningLuna) -> None:
    server = Server(luna.url)
    (engine,) = children(luna.pid)
    assert replace(beat(server), tokens=0) == Heartbeat("tiny", False, engine, "loaded")
    stream = ChatStream(luna.port, 1500)
    try:
        assert stream.read_some()
        eventually(lambda: beat(server).tokens > 0, "a token")
        assert beat(server).running == 1
        server.abort("tiny")
        last = json.loads(stream.rest()[-1])
    finally:
        stream.close()
    assert last["error"]["code"] == "unavailable"
    eventually(lambda: beat(server).running == 0, "the end of the run")
    assert beat(server).silent_s is None
    assert children(luna.pid) == [engine], "an abort is no restart"


def test_a_restarted_engine_loses_its_run_and_no_other(luna: RunningLuna) -> None:
    server = Server(luna.url)
    (before,) = children(luna.pid)
    stream = ChatStream(luna.port, 1500)
    try:
        assert stream.read_some()
        server.restart("tiny")
        assert json.loads(stream.rest()[-1])["error"]["code"] == "engine_died"
    finally:
        stream.close()
    assert ask(luna.port)[0] == 200
    assert beat(server).pid not in (None, before)


def test_what_is_not_in_memory_cannot_be_helped(luna: RunningLuna) -> None:
    with pytest.raises(ServerRefused, match="404"):
        Server(luna.url).restart("another")


def test_a_canary_sings(luna: RunningLuna) -> None:
    assert Server(luna.url).infer("tiny")

"""Processes that are killed, stopped or frozen: what clients get, and who dies with whom."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.server import RunningLuna
from tests.helpers.wire import eventually
from tests.processes.clients import ChatStream, alive, ask, children, usage

pytestmark = pytest.mark.needs("engine")
SOON_S = 1.0


@pytest.fixture
def luna(tmp_path: Path) -> Iterator[RunningLuna]:
    with RunningLuna(tmp_path) as server:
        server.wait_loaded()
        yield server


def test_a_killed_engine_is_an_error_event_and_comes_back(luna: RunningLuna) -> None:
    streams = [ChatStream(luna.port, 1500, f"number {index}") for index in range(4)]
    try:
        for stream in streams:
            assert stream.read_some()
        (engine,) = children(luna.pid)
        os.kill(engine, signal.SIGKILL)
        killed = time.monotonic()
        lasts = [json.loads(stream.rest()[-1]) for stream in streams]
        assert time.monotonic() - killed < SOON_S
    finally:
        for stream in streams:
            stream.close()
    assert [last["error"]["code"] for last in lasts] == ["engine_died"] * 4
    status, body = ask(luna.port)
    assert status == 200
    assert body["usage"]["completion_tokens"] == 2
    assert children(luna.pid) != [engine]


def test_an_engine_that_is_killed_again_and_again_costs_no_request_before_its_first_token(
    luna: RunningLuna,
) -> None:
    for _ in range(5):
        eventually(lambda: len(children(luna.pid)) == 1, "one engine")
        os.kill(children(luna.pid)[0], signal.SIGKILL)
        status, body = ask(luna.port)
        assert status == 200, (body, luna.log)


def test_a_killed_server_takes_its_engines_along(tmp_path: Path) -> None:
    with RunningLuna(tmp_path) as luna:
        luna.wait_loaded()
        (engine,) = children(luna.pid)
        luna.kill()
        eventually(lambda: not alive(engine), "the end of the engine")


def test_sigterm_lets_running_answers_end(luna: RunningLuna) -> None:
    stream = ChatStream(luna.port, 300)
    try:
        assert stream.read_some()
        os.kill(luna.pid, signal.SIGTERM)
        assert usage(stream.rest())["completion_tokens"] == 300
    finally:
        stream.close()
    assert luna.stop() == 0


def test_sigterm_ends_long_answers_with_an_error_event(tmp_path: Path) -> None:
    settings = "[server]\ndrain_seconds = 0.1\n[cpu_engine]\nslots = 1\n"
    with RunningLuna(tmp_path, settings=settings) as luna:
        luna.wait_loaded()
        running = ChatStream(luna.port, 3900)
        assert running.read_some()
        waiting = ChatStream(luna.port, 2000, "next")
        try:
            eventually(lambda: luna.get("/health")["requests_waiting"] == 1, "one in the queue")
            os.kill(luna.pid, signal.SIGTERM)
            assert json.loads(running.rest()[-1])["error"]["code"] == "shutting_down"
            assert waiting.wait_begun() == 503
        finally:
            running.close()
            waiting.close()
        assert luna.stop() == 0


def test_who_leaves_during_prefill_frees_the_slot_though_the_engine_is_silent(
    luna: RunningLuna,
) -> None:
    (engine,) = children(luna.pid)
    os.kill(engine, signal.SIGSTOP)  # as silent as a long prefill
    try:
        stream = ChatStream(luna.port, 10)
        eventually(lambda: luna.get("/health")["slots_processing"] == 1, "a busy slot")
        stream.close()
        eventually(lambda: luna.get("/health")["slots_processing"] == 0, "a free slot")
    finally:
        os.kill(engine, signal.SIGCONT)
    assert ask(luna.port)[0] == 200


def test_a_frozen_engine_is_a_timeout_and_then_another_engine(tmp_path: Path) -> None:
    settings = "[queue]\nstall_seconds = 0.3\nslowest_prefill = 1000.0\n"
    with RunningLuna(tmp_path, settings=settings) as luna:
        luna.wait_loaded()
        (engine,) = children(luna.pid)
        os.kill(engine, signal.SIGSTOP)
        status, body = ask(luna.port)
        assert (status, body["error"]["code"]) == (504, "engine_timeout")
        eventually(lambda: ask(luna.port)[0] == 200, "an answer of the next engine")
        assert engine not in children(luna.pid)

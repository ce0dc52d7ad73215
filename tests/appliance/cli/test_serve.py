from __future__ import annotations

import shutil
import signal
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from appliance.cli.client import Client
from tests.helpers import random_model
from tests.helpers.server import RunningLuna, tiny_model
from tests.helpers.wire import eventually

pytestmark = pytest.mark.needs("engine")


def test_the_ready_line_says_where_and_sigterm_ends_it(tmp_path: Path) -> None:
    with RunningLuna(tmp_path) as luna:
        assert f"(API: {luna.url}/v1, documents: {luna.url}/docs)" in luna.log
        assert luna.get("/luna")["device"] == "luna"
    assert luna.stop() == 0
    assert "Traceback" not in luna.log


def test_options_reach_the_server(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(tiny_model(), other / "another.gguf")
    with RunningLuna(tmp_path, f"--models-dir={other}") as luna:
        assert luna.get("/")["model"] == "another"


def test_a_dropped_model_is_served_without_a_restart(tmp_path: Path) -> None:
    with RunningLuna(tmp_path) as luna:
        luna.wait_loaded()
        shutil.copy(tiny_model(), luna.models / "dropped.gguf")
        eventually(lambda: "dropped" in luna.get("/")["models"], "the new model")
        body = {"model": "dropped", "messages": [{"role": "user", "content": "hi"}]}
        chunks = list(Client(luna.url).chat({**body, "max_tokens": 2, "ignore_eos": True}))
    assert chunks[-1].finish_reason == "length"


def test_systemd_is_told(tmp_path: Path) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices:
        notices.bind(str(path))
        notices.settimeout(10.0)
        watched = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "100000"}
        with RunningLuna(tmp_path, environ=watched):
            assert [notices.recv(4096) for _ in range(3)] == [b"READY=1", *2 * [b"WATCHDOG=1"]]
        while (told := notices.recv(4096)) == b"WATCHDOG=1":
            pass
        assert told == b"STOPPING=1"


def test_a_port_in_use_is_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AssertionError, match="another program uses this port") as failed:
            RunningLuna(tmp_path, f"--port={port}")
    assert "Traceback" not in str(failed.value)


class Answer:
    """A long answer that is read in a thread until it ends."""

    def __init__(self, url: str) -> None:
        self.chunks: list[Any] = []
        self.begun = threading.Event()
        self._thread = threading.Thread(target=self._read, args=(url,))
        self._thread.start()

    def _read(self, url: str) -> None:
        body = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 30}
        for chunk in Client(url).chat({**body, "ignore_eos": True}):
            self.chunks.append(chunk)
            self.begun.set()

    def join(self) -> None:
        self._thread.join(60.0)
        assert not self._thread.is_alive()


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    shape = random_model.Shape(layers=8, dim=512, heads=8, feed_forward=1536)
    return random_model.write(tmp_path / "slow.gguf", shape, "f16")


def test_answers_end_before_it_stops(tmp_path: Path, slow: Path) -> None:
    with RunningLuna(tmp_path, settings="server.drain_seconds = 60", models=[slow]) as luna:
        luna.wait_loaded()
        answer = Answer(luna.url)
        assert answer.begun.wait(30.0)
        assert luna.stop() == 0
        answer.join()
    assert answer.chunks[-1].finish_reason == "length"


def test_a_second_signal_ends_it_at_once(tmp_path: Path, slow: Path) -> None:
    with RunningLuna(tmp_path, settings="server.drain_seconds = 60", models=[slow]) as luna:
        luna.wait_loaded()
        url, body = luna.url, {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 1500}
        answer = Client(url).chat({**body, "ignore_eos": True})
        next(answer)
        luna.signal(signal.SIGINT)
        eventually(lambda: "Luna stops" in luna.log, "the drain")
        luna.signal(signal.SIGINT)
        assert luna.wait() == -signal.SIGINT
        answer.close()

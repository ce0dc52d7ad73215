"""A hung NPU, a server that would wait for minutes, and the watchdog beside it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.appliance.watchdog.board import Board
from tests.helpers.server import ROOT, RunningLuna, clean_environment
from tests.helpers.wire import eventually
from tests.processes.clients import ChatStream, ask
from tests.rkllm_sim import models
from tests.rkllm_sim.build import library

pytestmark = pytest.mark.needs("g++")
SETTINGS = """
[npu_engine]
library = {library}
abort_seconds = 0.3
[queue]
stall_seconds = 600.0
slowest_prefill = 1000.0
[watchdog]
stall_seconds = 1.0
interval_seconds = 0.1
"""


@pytest.fixture
def luna(tmp_path: Path) -> Iterator[RunningLuna]:
    folder = tmp_path / "models" / "sim"
    folder.mkdir(parents=True)
    models.write(folder / "model.rkllm", fault="asked", reply_words=40, token_us=500)
    settings = SETTINGS.format(library=json.dumps(str(library("1.3.0"))))
    with RunningLuna(tmp_path, settings=settings, models=[]) as server:
        server.wait_loaded()
        yield server


@contextmanager
def watchdog(luna: RunningLuna, folder: Path, board: Board) -> Iterator[None]:
    command = [sys.executable, "-m", "appliance.watchdog", f"--url={luna.url}"]
    command += [f"--config={folder / 'luna.toml'}", f"--data-dir={folder / 'data'}"]
    process = subprocess.Popen(
        [*command, f"--root={board.root}"], cwd=ROOT, env=clean_environment(folder)
    )
    try:
        yield
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("fault", ["hang", "hang-prefill"])
def test_one_answer_fails_and_the_next_works(luna: RunningLuna, tmp_path: Path, fault: str) -> None:
    board = Board(tmp_path / "root")
    board.load(100, 0, 0)
    with watchdog(luna, tmp_path, board):
        stream = ChatStream(luna.port, 40, f"fault:{fault}")
        try:
            if stream.wait_begun() == 200:
                assert json.loads(stream.rest()[-1])["error"]["code"] == "unavailable"
            else:
                assert stream.wait_begun() == 503
        finally:
            stream.close()
        board.load(0, 0, 0)
        assert ask(luna.port)[0] == 200
        eventually(lambda: luna.get("/health")["watchdog"]["state"] == "well", "health")
    with urllib.request.urlopen(f"{luna.url}/metrics", timeout=30) as page:
        assert b'luna_engine_restarts_total{model="sim"} 1.0' in page.read()
    told = luna.get("/health")["watchdog"]
    assert told["counts"] == {"npu_hung": 1, "abort": 1}
    assert (told["incidents"][0]["model"], told["incidents"][0]["steps"]) == ("sim", ["abort"])

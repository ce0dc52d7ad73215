"""Fault after fault on the NPU: the server survives them all, and every next request works.

LUNA_FAULTS=1000 in the environment makes it a long row.
"""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.server import RunningLuna
from tests.helpers.wire import eventually
from tests.processes.clients import ChatStream, ask, children, memory_bytes
from tests.rkllm_sim import models
from tests.rkllm_sim.build import library

pytestmark = [pytest.mark.needs("g++"), pytest.mark.timeout(7200)]
LEAVE = "leave"
FAULTS = {
    "segfault": "engine_died",
    "run-fails": "engine_error",
    "run-error": "engine_error",
    "never-finish": "engine_error",
    "matmul-flood": "engine_error",
    "hang": "engine_timeout",
    "hang-prefill": "engine_timeout",
    LEAVE: "",
}
LOGGED = {
    "segfault": "NPU runtime crashed (signal 11)",
    "matmul-flood": "The NPU does not compute",
    "hang": "did not end a run in time",
}
SETTINGS = """
[npu_engine]
library = {library}
abort_seconds = 0.3
slowest_prefill = 10000.0
[queue]
stall_seconds = 0.5
slowest_prefill = 10000.0
"""
ROW = int(os.environ.get("LUNA_FAULTS", "16"))
NEXT_S = 15.0


@pytest.fixture
def luna(tmp_path: Path) -> Iterator[RunningLuna]:
    folder = tmp_path / "models" / "sim"
    folder.mkdir(parents=True)
    models.write(folder / "model.rkllm", fault="asked", reply_words=40, token_us=500)
    settings = SETTINGS.format(library=json.dumps(str(library("1.3.0"))))
    with RunningLuna(tmp_path, settings=settings, models=[]) as server:
        server.wait_loaded()
        yield server


def suffer(luna: RunningLuna, fault: str) -> str:
    """The code of the error that a request for a fault gets."""
    if fault == LEAVE:
        stream = ChatStream(luna.port, 10000, "hello")
        stream.read_some()
        stream.close()
        return ""
    messages = [{"role": "user", "content": f"fault:{fault}"}]
    status, body = ask(luna.port, messages=messages, max_tokens=20)
    assert status >= 500, body
    return str(body["error"]["code"])


def open_files(luna: RunningLuna) -> int:
    return len(list(Path(f"/proc/{luna.pid}/fd").iterdir()))


def test_fault_after_fault(luna: RunningLuna) -> None:
    longest = 0.0
    held: list[tuple[int, int]] = []
    for number, fault in enumerate(itertools.islice(itertools.cycle(FAULTS), ROW)):
        assert suffer(luna, fault) == FAULTS[fault], fault
        began = time.monotonic()
        status, body = ask(luna.port)
        longest = max(longest, time.monotonic() - began)
        assert (status, body["usage"]["completion_tokens"]) == (200, 2), (fault, body)
        if number % len(FAULTS) == len(FAULTS) - 1:
            held.append((memory_bytes(luna.pid), open_files(luna)))
    assert longest < NEXT_S
    assert luna.get("/health")["slots_processing"] == 0
    eventually(lambda: len(children(luna.pid)) == 1, "one process for the model")
    log = luna.log
    assert not [fault for fault, said in LOGGED.items() if said not in log]
    (first, files), (last, files_now) = held[0], held[-1]
    assert last - first < 30e6
    assert files_now <= files + 4
    print(f"{ROW} faults; the next answer came after {longest:.2f} s at most")

"""`python -m tests.rkllm_sim.compare --flask PYTHON`: our server and the demo's kind, in one run.

PYTHON is an interpreter that has Flask. Both servers get the same model of the simulator: as fast
as possible, and at 30 tokens a second. What is told of a token holds for streamed ones.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from appliance.cli.bench.machine import describe
from tests.helpers.server import ROOT, RunningLuna
from tests.helpers.wire import eventually
from tests.processes.clients import children, together
from tests.rkllm_sim import models
from tests.rkllm_sim.build import library

VERSION = "1.3.0"
FAST_TOKENS, FAST_ROUNDS = 8000, 5
PACE_US, PACED_TOKENS, PACED_ROUNDS = 33333, 600, 3
PARALLEL = 4


@dataclass(frozen=True, slots=True)
class Target:
    """A server: its port, and the processes that do its work, threads that have ended included."""

    name: str
    port: int
    pids: tuple[int, ...]

    def cpu_seconds(self) -> float:
        """Processor time so far, in steps of a tick (10 ms): measure many tokens."""
        ticks = 0
        for pid in self.pids:
            fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Stream:
    """When each piece of text came, in seconds, and the status."""

    status: int
    seconds: float
    arrivals: tuple[float, ...]


def ask(target: Target, tokens: int) -> Stream:
    """One streamed chat."""
    body = {
        "model": "sim",
        "messages": [{"role": "user", "content": "hello"}],
        "stream": True,
        "max_tokens": tokens,
    }
    with closing(http.client.HTTPConnection("127.0.0.1", target.port, timeout=300)) as connection:
        began = time.perf_counter()
        connection.request(
            "POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"}
        )
        response = connection.getresponse()
        arrivals = []
        while data := response.read1(65536):
            now = time.perf_counter() - began
            arrivals += [now] * data.count(b'"content":')
        return Stream(response.status, time.perf_counter() - began, tuple(arrivals))


@contextmanager
def ours(folder: Path, model: dict[str, int]) -> Iterator[Target]:
    """Luna."""
    models.write(folder / "models" / "sim.rkllm", **model)
    settings = f"[npu_engine]\nlibrary = '{library(VERSION)}'\ncontext = 16384\n"
    with RunningLuna(folder, settings=settings, models=[]) as luna:
        luna.wait_loaded()
        yield Target("luna", luna.port, (luna.pid, *children(luna.pid)))


@contextmanager
def demo(folder: Path, model: dict[str, int], python: str) -> Iterator[Target]:
    """The demo's kind."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    path = models.write(folder / "models" / "demo.rkllm", **model)
    command = [python, "-m", "tests.rkllm_sim.demo_server", str(library(VERSION)), str(path)]
    process = subprocess.Popen([*command, str(port)], cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: _answers(port), "the demo's server")
        yield Target("demo", port, (process.pid,))
    finally:
        process.kill()
        process.wait()


def measure(python: str) -> None:
    """Print every figure."""
    print(describe())
    fast = {"reply_words": 20000, "max_context": 16384}
    with both(fast, python) as targets:
        for _ in range(FAST_ROUNDS):
            for target in targets:
                _fast(target)
        for target in targets:
            streams = together(PARALLEL, lambda _, to=target: ask(to, 500))  # type: ignore[misc]
            statuses = [stream.status for stream in streams]
            print(f"{target.name}: {PARALLEL} clients at once: {statuses}")
    with both(fast | {"token_us": PACE_US}, python) as targets:
        for _ in range(PACED_ROUNDS):
            for target in targets:
                _paced(target)


@contextmanager
def both(model: dict[str, int], python: str) -> Iterator[tuple[Target, Target]]:
    """Both servers with one model."""
    with (
        tempfile.TemporaryDirectory() as name,
        ours(_sub(name, "a"), model) as luna,
        demo(_sub(name, "b"), model, python) as flask,
    ):
        yield luna, flask


def _fast(target: Target) -> None:
    before = target.cpu_seconds()
    stream = ask(target, FAST_TOKENS)
    spent = target.cpu_seconds() - before
    print(
        f"{target.name}: {FAST_TOKENS / stream.seconds:.0f} tokens/s, "
        f"{1e6 * spent / FAST_TOKENS:.0f} us of CPU a token"
    )


def _paced(target: Target) -> None:
    before = target.cpu_seconds()
    stream = ask(target, PACED_TOKENS)
    spent = target.cpu_seconds() - before
    late = lateness(stream)
    told = f"late by {statistics.median(late):.2f} ms (median)" if late else "cut into characters"
    worst = f", {late[len(late) * 99 // 100]:.2f} ms (p99)" if late else ""
    print(
        f"{target.name} at 30 tokens/s: "
        f"{1000 * spent / PACED_TOKENS:.3f} ms of CPU a token "
        f"({100 * spent / stream.seconds:.2f} % of a core), "
        f"{told}{worst}"
    )


def lateness(stream: Stream) -> list[float]:
    """Milliseconds behind the pace, sorted; the quickest piece counts as punctual."""
    if len(stream.arrivals) > PACED_TOKENS + 2:
        return []
    due = [at - number * PACE_US / 1e6 for number, at in enumerate(stream.arrivals)]
    return sorted(1000 * (each - min(due)) for each in due)


def _sub(folder: str, name: str) -> Path:
    path = Path(folder, name)
    (path / "models").mkdir(parents=True)
    return path


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def main() -> None:
    """Measure on this machine."""
    parser = argparse.ArgumentParser(prog="python -m tests.rkllm_sim.compare", description=__doc__)
    parser.add_argument("--flask", required=True, metavar="PYTHON")
    measure(parser.parse_args().flask)
    print(platform.python_version(), os.getloadavg())


if __name__ == "__main__":
    main()

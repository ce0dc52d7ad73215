"""Streams alone, then the same streams beside hundreds of WebSocket clients and a download.

python -m tests.load.wingman --sockets 200 --streams 32 --seconds 20 --rounds 3 --pace 20

Quiet and loud rounds take turns, so that what else the machine does falls on both. Figures are
gaps between the tokens of a stream, in milliseconds, as its client sees them. With `--pace` the
engine says so many tokens a second in each stream; without it is llama.cpp with a tiny model, which
leaves no processor time to anybody.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.helpers.server import ROOT, RunningLuna

MEGABITS_100 = 12_500_000  # bytes a second


class Crowd:
    """The other process."""

    def __init__(self, sockets: int, megabytes: int) -> None:
        command = [sys.executable, "-m", "tests.load.crowd"]
        command += [str(sockets), str(megabytes), str(MEGABITS_100)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.hub = str(self._read()["hub"])

    def gather(self, port: int) -> None:
        """Connect everybody."""
        self._write({"port": port})
        self._read()

    def leave(self) -> dict[str, Any]:
        """Go, and tell what was heard."""
        self._write({})
        told = self._read()
        self._process.wait(30)
        return told

    def _write(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        return dict(json.loads(self._process.stdout.readline()))


@contextmanager
def serving(args: argparse.Namespace, hub: str) -> Iterator[tuple[int, int]]:
    """A server; yields its port and process id."""
    with tempfile.TemporaryDirectory() as folder:
        if not args.pace:
            settings = f"[cpu_engine]\nslots = {args.streams}\ncontext = 1024\n"
            environ = {"LUNA_DOWNLOADS_HUB": hub}
            with RunningLuna(Path(folder), settings=settings, environ=environ) as luna:
                luna.wait_loaded()
                yield luna.port, luna.pid
            return
        command = [sys.executable, "-m", "tests.load.paced"]
        command += [folder, hub, str(args.streams), str(args.pace)]
        with subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            yield int(json.loads(process.stdout.readline())["port"]), process.pid


async def stream(port: int, until: float) -> list[float]:
    """Ask again and again; returns the gaps between tokens, in seconds."""
    gaps: list[float] = []
    while time.monotonic() < until:
        body = json.dumps({"prompt": "Hello", "n_predict": 512, "stream": True}).encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"POST /completion HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        last: float | None = None
        while line := await reader.readline():
            if line.startswith(b"data: "):
                now = time.monotonic()
                if last is not None:
                    gaps.append(now - last)
                last = now
                if b'"stop":true' in line or now > until:
                    break
        writer.close()
    return gaps


def round_of(port: int, streams: int, seconds: float) -> list[float]:
    """The gaps of all streams."""

    async def run() -> list[float]:
        until = time.monotonic() + seconds
        found = await asyncio.gather(*(stream(port, until) for _ in range(streams)))
        return [gap for gaps in found for gap in gaps]

    return asyncio.run(run())


def measured(name: str, args: argparse.Namespace, port: int, pid: int) -> float:
    """Print a line about a round; return the 99th percentile of its gaps in milliseconds."""
    before = processor_seconds(pid)
    gaps = round_of(port, args.streams, args.seconds)
    busy = (processor_seconds(pid) - before) / args.seconds
    cuts = statistics.quantiles(gaps, n=100)
    p50, p99 = 1000 * cuts[49], 1000 * cuts[98]
    print(
        f"{name:6} {len(gaps) / args.seconds:6.0f} tokens/s  gap p50 {p50:6.1f} ms  "
        f"p99 {p99:6.1f} ms  server {100 * busy:4.0f} % of a core",
        flush=True,
    )
    return p99


def processor_seconds(pid: int) -> float:
    """What a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int, field: str) -> float:
    """Megabytes of a process."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith(field))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sockets", type=int, default=200)
    parser.add_argument("--streams", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pace", type=float, default=0.0)
    args = parser.parse_args()
    quiet: list[float] = []
    loud: list[float] = []
    for number in range(args.rounds):
        crowd = Crowd(args.sockets, round(12.5 * args.seconds))
        with serving(args, crowd.hub) as (port, pid):
            round_of(port, args.streams, 3.0)
            before = memory(pid, "VmRSS")
            quiet.append(measured("quiet", args, port, pid))
            crowd.gather(port)
            loud.append(measured("loud", args, port, pid))
            print(f"  {crowd.leave()}")
            peak = memory(pid, "VmHWM")
            print(f"  round {number + 1}: server {before:.0f} MB before, {peak:.0f} MB at most")
    ratio = statistics.median(loud) / statistics.median(quiet)
    print(f"gap p99, medians of {args.rounds}: {100 * (ratio - 1):+.0f} % beside the crowd")


if __name__ == "__main__":
    main()

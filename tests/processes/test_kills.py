"""A process that is killed at any moment leaves a whole database and no half model.

LUNA_KILLS=200 does it as often as that.
"""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from tests.helpers.hub import FakeHub
from tests.helpers.server import ROOT, tiny_model
from tests.helpers.wire import eventually

KILLS = int(os.environ.get("LUNA_KILLS", "12"))


def repositories() -> dict[str, dict[str, bytes]]:
    model = tiny_model().read_bytes()
    parts = [model, b"a" * 300_000, b"b" * 300_000]
    split = {f"s-0000{n}-of-00003.gguf": data for n, data in enumerate(parts, 1)}
    return {"ann/tiny": {"tiny-Q4_K_M.gguf": model}, "ann/split": split}


def begin(hub: FakeHub, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.processes.fetcher", hub.url, str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def check(data: Path) -> dict[str, str]:
    """Everything to be seen is whole; returns the statuses that were written down."""
    for folder in data.glob("models/[!.]*"):
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
        assert files.pop("luna.toml").startswith(b"[source]")
        assert files in repositories().values()
    with sqlite3.connect(data / "luna.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        found = dict(connection.execute("SELECT repo, status FROM downloads").fetchall())
    connection.close()
    return found


def test_whatever_moment_it_is_killed_at(tmp_path: Path) -> None:
    chance = random.Random(os.environ.get("LUNA_KILLS", "of the gate"))
    with FakeHub(repositories()) as hub:
        seen = set()
        for _ in range(KILLS):
            with begin(hub, tmp_path) as process:
                time.sleep(chance.uniform(0, 0.4))
                process.kill()
            seen |= set(check(tmp_path).values())
        with begin(hub, tmp_path) as process:
            there = [tmp_path / "models" / name for name in ("tiny-Q4_K_M", "s")]
            for folder in there:
                eventually(folder.is_dir, f"{folder.name}, after all")
            process.kill()
        check(tmp_path)
    assert seen <= {"queued", "downloading", "complete"}
    assert seen

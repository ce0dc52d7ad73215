"""Places with a network of their own: the router, the phone, the drawer for radios."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATIENCE_S = 60.0
_LOOK_S = 0.5  # to look costs time, too, where a processor is emulated
_CLONE_NEWNET = 0x40000000


class Failed(Exception):
    """A step did not come to its end as it should; says which."""


def run(*words: str, seconds: float = PATIENCE_S) -> str:
    """What a command prints. Raises Failed with what it said."""
    try:
        done = subprocess.run(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds
        )
    except subprocess.TimeoutExpired as error:
        raise Failed(f"{' '.join(words)}: not done after {seconds} s") from error
    if done.returncode != 0:
        raise Failed(f"{' '.join(words)}: {done.stdout.strip()}")
    return done.stdout


def eventually(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """What `condition` returns as soon as that is true; Failed after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        if found := condition():
            return found
        if time.monotonic() >= deadline:
            raise Failed(f"{what}: not within {seconds:.0f} s")
        time.sleep(_LOOK_S)


@dataclass
class Place:
    """A network namespace with a folder; what runs there ends with `clear`."""

    name: str
    folder: Path
    _running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def make(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        run("ip", "netns", "add", self.name)
        run("ip", "-n", self.name, "link", "set", "lo", "up")

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Sockets of this thread that are opened meanwhile are there."""
        back = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
        try:
            _enter(there)
            yield
        finally:
            _enter(back)
            os.close(there)
            os.close(back)

    def run(self, *words: str, seconds: float = PATIENCE_S) -> str:
        """Run a command there."""
        return run("ip", "netns", "exec", self.name, *words, seconds=seconds)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a program there; its output is in the folder, under its name."""
        with (self.folder / f"{Path(words[0]).name}.log").open("ab") as log:
            process = subprocess.Popen(
                ["ip", "netns", "exec", self.name, *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._running.append(process)
        return process

    def clear(self) -> None:
        """End what was started here, the last first."""
        while self._running:
            end(self._running.pop())

    def logs(self) -> dict[str, str]:
        """The end of what every program has said."""
        return {
            f"{self.name}/{file.name}": file.read_text("utf-8", "replace")[-3000:]
            for file in sorted(self.folder.glob("*.log"))
        }


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, then make it."""
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)


def _enter(descriptor: int) -> None:
    # os.setns came with Python 3.12.
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")

"""Child processes: the only door through which one is started, bound to its parent and heard."""

from __future__ import annotations

import ctypes
import os
import queue
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import IO

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Spawner:
    """Starts children from one thread that lives as long as the process.

    PR_SET_PDEATHSIG fires when the *thread* that forked ends (prctl(2)), so a child that is
    started by a request's thread would die with that request.
    """

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="luna-spawner", daemon=True)
        self._thread.start()

    def spawn(
        self, command: Sequence[str], environ: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start `command` in a session of its own, with stdout and stderr in one pipe.

        Raises OSError as subprocess.Popen does.
        """
        done: Future[subprocess.Popen[bytes]] = Future()
        self._jobs.put((tuple(command), environ, done))
        return done.result()

    def close(self) -> None:
        """End the thread, and with it every child that bound itself to it."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            command, environ, done = job
            try:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    env=environ,
                    start_new_session=True,
                )
            except OSError as error:
                done.set_exception(error)
            else:
                done.set_result(process)


_Job = tuple[tuple[str, ...], Mapping[str, str] | None, "Future[subprocess.Popen[bytes]]"]


class OutputTail:
    """Reads a child's output to its end in a thread, tells each line and keeps the last ones."""

    def __init__(
        self,
        stream: IO[bytes],
        lines: int = 200,
        line_bytes: int = 2000,
        heard: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._lines: deque[str] = deque(maxlen=lines)
        self._heard = heard
        self._stream = stream
        self._line_bytes = line_bytes
        self._thread = threading.Thread(target=self._read, name="luna-child-output", daemon=True)
        self._thread.start()

    def text(self) -> str:
        """The last lines so far."""
        return "\n".join(tuple(self._lines))

    def join(self, timeout: float) -> None:
        """Wait until the child has closed its end, at most `timeout` seconds."""
        self._thread.join(timeout)

    def _read(self) -> None:
        with self._stream:
            while line := self._stream.readline(self._line_bytes):
                text = line.decode("utf-8", "replace").rstrip()
                self._lines.append(text)
                self._heard(text)


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when `parent` (the thread that forked it) ends.

    Survives execve. Exits at once if `parent` is gone already.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        raise SystemExit(0)


def parse_cpus(text: str) -> frozenset[int]:
    """The CPUs of a list like "0,4-7"; empty text gives an empty set. Raises ValueError."""
    cpus: set[int] = set()
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        first, _, last = part.partition("-")
        cpus.update(range(int(first), int(last or first) + 1))
    return frozenset(cpus)


def kill_group(process: subprocess.Popen[bytes], grace: float) -> None:
    """SIGTERM to the child's process group, SIGKILL after `grace` seconds; returns when reaped."""
    for sign, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, None)):
        if process.poll() is not None:
            return
        try:
            os.killpg(process.pid, sign)
            process.wait(seconds)
        except ProcessLookupError:
            process.wait()
        except subprocess.TimeoutExpired:
            continue


def kill_now(pid: int) -> None:
    """SIGKILL to the group of a child that `Spawner` started; waits for nothing.

    One that hangs in the kernel ends when the kernel lets it, and one that is gone stays gone.
    """
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)

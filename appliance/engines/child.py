"""A supervised engine process: started, watched until ready, restarted with back-off, explained."""

from __future__ import annotations

import logging
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from appliance.errors import EngineDied, LunaError, ModelLoadFailed, ModelLoading
from appliance.system.processes import OutputTail, Spawner, kill_group

_log = logging.getLogger(__name__)
_OBITUARY = 0.5  # seconds between a closed socket and the news that its process has ended


class ChildState(StrEnum):
    """Where a child stands; FAILED is final until someone calls `start` again."""

    STARTING = "loading"
    READY = "loaded"
    FAILED = "failed"
    STOPPED = "unloaded"


@dataclass(frozen=True, slots=True)
class ChildPlan:
    """How a child is run.

    `probe` tells whether it answers; `explain` turns its output and exit status into a sentence
    with a remedy; `heard` is told each line of that output as it comes, by a thread of its own.
    Seconds: `start_limit` from spawn to ready, `longest_pause` between restarts.
    A process that once worked is given up after `restarts_in_vain` starts in a row in vain.
    """

    name: str
    command: Callable[[], Sequence[str]]
    probe: Callable[[], bool]
    explain: Callable[[str, int], str]
    heard: Callable[[str], None] = lambda line: None
    environ: Mapping[str, str] | None = None
    start_limit: float = 300.0
    stop_grace: float = 2.0
    first_pause: float = 0.05
    longest_pause: float = 30.0
    quiet_after: float = 60.0
    restarts_in_vain: int = 5


class Child:
    """Keeps one process alive; all of its methods may be called from any thread."""

    def __init__(self, plan: ChildPlan, spawner: Spawner) -> None:
        self._plan = plan
        self._spawner = spawner
        self._changed = threading.Condition()
        self._state = ChildState.STOPPED
        self._failure: LunaError | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._monitor: threading.Thread | None = None
        self._stopping = threading.Event()
        self.restarts = 0

    @property
    def state(self) -> ChildState:
        """The state now."""
        return self._state

    @property
    def failure(self) -> LunaError | None:
        """Why the state is FAILED, or why the last process ended."""
        return self._failure

    @property
    def pid(self) -> int | None:
        """The process id while there is a process."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> None:
        """Begin to start the process, if none runs or is about to."""
        with self._changed:
            if self._state in (ChildState.STARTING, ChildState.READY):
                return
            self._state = ChildState.STARTING
            self._failure = None
            self._stopping.clear()
            self._monitor = threading.Thread(
                target=self._supervise, name=f"luna-engine-{self._plan.name}", daemon=True
            )
            self._monitor.start()

    def wait_ready(self, timeout: float) -> None:
        """Return when the child answers; ModelLoading after `timeout` seconds, or its failure."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while self._state is not ChildState.READY:
                if self._state is ChildState.FAILED and self._failure is not None:
                    raise self._failure
                if self._state is ChildState.STOPPED:
                    raise ModelLoading(f"The model '{self._plan.name}' was just unloaded.")
                left = deadline - time.monotonic()
                if left <= 0:
                    raise ModelLoading(
                        f"The model '{self._plan.name}' is still loading; try again in a moment.",
                        retry_after=2,
                    )
                self._changed.wait(left)

    def stop(self) -> None:
        """End the process and the supervision; returns when both are gone."""
        with self._changed:
            self._stopping.set()
            monitor, process = self._monitor, self._process
        if process is not None:
            kill_group(process, self._plan.stop_grace)
        if monitor is not None and monitor is not threading.current_thread():
            monitor.join()
        self._become(ChildState.STOPPED)

    def kill(self) -> None:
        """End the process at once; it is started again, as after a crash."""
        with self._changed:
            process = self._process
        if process is not None:
            kill_group(process, 0)

    def death(self) -> EngineDied:
        """What to tell a request whose engine went away under it.

        A dying process closes its sockets before its parent hears of it: waiting for that keeps
        a second try from meeting the same corpse.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._state is not ChildState.READY, _OBITUARY)
        return EngineDied(
            f"The engine of '{self._plan.name}' stopped in the middle of the answer and is being "
            "restarted; send the request again."
        )

    def _become(self, state: ChildState, failure: LunaError | None = None) -> None:
        with self._changed:
            self._state = state
            self._failure = failure or self._failure
            self._changed.notify_all()

    def _supervise(self) -> None:
        pause = self._plan.first_pause
        starts_left = 1  # a model that never worked is not tried again and again
        while not self._stopping.is_set():
            born = time.monotonic()
            reason = self._run_once()
            if self._stopping.is_set():
                return
            worked = self._state is ChildState.READY
            starts_left = self._plan.restarts_in_vain if worked else starts_left - 1
            if not starts_left:
                _log.error("engine %s cannot start: %s", self._plan.name, reason)
                self._become(ChildState.FAILED, ModelLoadFailed(reason))
                return
            self.restarts += 1
            if time.monotonic() - born > self._plan.quiet_after:
                pause = self._plan.first_pause
            _log.error("engine %s died (%s); restart in %.2f s", self._plan.name, reason, pause)
            self._become(ChildState.STARTING, EngineDied(reason))
            self._stopping.wait(pause)
            pause = min(2 * pause, self._plan.longest_pause)

    def _run_once(self) -> str:
        """Run the process to its end and say why it ended."""
        try:
            process = self._spawner.spawn(self._plan.command(), self._plan.environ)
        except OSError as error:
            return f"The engine program cannot be started: {error}."
        assert process.stdout is not None
        tail = OutputTail(process.stdout, heard=self._plan.heard)
        with self._changed:
            self._process = process
            stopping = self._stopping.is_set()
        if stopping:
            kill_group(process, 0)
        elif self._await_ready(process):
            self._become(ChildState.READY)
        elif process.poll() is None:
            kill_group(process, 0)
            return f"The engine was not ready within {self._plan.start_limit:.0f} s."
        status = process.wait()
        tail.join(1.0)
        _log.debug("engine %s output:\n%s", self._plan.name, tail.text())
        return self._plan.explain(tail.text(), status)

    def _await_ready(self, process: subprocess.Popen[bytes]) -> bool:
        deadline = time.monotonic() + self._plan.start_limit
        while process.poll() is None and time.monotonic() < deadline:
            if self._plan.probe():
                return True
            if self._stopping.wait(0.01):
                return False
        return False

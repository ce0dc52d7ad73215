from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.engines.child import Child, ChildPlan, ChildState
from appliance.errors import EngineDied, LunaError, ModelLoadFailed, ModelLoading
from appliance.system.processes import Spawner
from tests.helpers.wire import eventually

PATIENCE_S = 20.0
READY_THEN_WAIT = "import signal, sys; open(sys.argv[1], 'w').close(); signal.pause()"
SILENT = "import signal; signal.pause()"


@pytest.fixture(scope="module")
def spawner() -> Iterator[Spawner]:
    spawner = Spawner()
    yield spawner
    spawner.close()


class World:
    """A child that runs Python code; it is ready when it has made its file."""

    def __init__(self, folder: Path, spawner: Spawner) -> None:
        self.file = folder / "ready"
        self.code = READY_THEN_WAIT
        self.program = sys.executable
        self.starts = 0
        self.explained: list[tuple[str, int]] = []
        self._spawner = spawner
        self.child = self.make()

    def make(self, start_limit: float = 60.0, restarts_in_vain: int = 2) -> Child:
        plan = ChildPlan(
            name="m",
            command=self._command,
            probe=self.file.exists,
            explain=self._explain,
            start_limit=start_limit,
            stop_grace=PATIENCE_S,
            first_pause=0.001,
            longest_pause=0.004,
            restarts_in_vain=restarts_in_vain,
        )
        self.child = Child(plan, self._spawner)
        return self.child

    def _command(self) -> list[str]:
        self.starts += 1
        self.file.unlink(missing_ok=True)
        return [self.program, "-S", "-c", self.code, str(self.file)]

    def _explain(self, output: str, status: int) -> str:
        self.explained.append((output, status))
        return f"It ended with {status}: {output}"

    def kill(self) -> int:
        pid = self.child.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        return pid


@pytest.fixture
def world(tmp_path: Path, spawner: Spawner) -> Iterator[World]:
    world = World(tmp_path, spawner)
    yield world
    world.child.stop()


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def failure_of(ask: Callable[[], object]) -> LunaError:
    with pytest.raises(LunaError) as caught:
        ask()
    return caught.value


def test_it_starts_is_ready_and_stops(world: World) -> None:
    assert world.child.pid is None
    world.child.start()
    world.child.start()
    world.child.wait_ready(PATIENCE_S)
    assert world.child.state is ChildState.READY
    assert world.starts == 1
    pid = world.child.pid
    assert pid is not None
    world.child.stop()
    assert world.child.state is ChildState.STOPPED
    assert gone(pid)
    world.child.stop()


def test_it_can_be_started_again_after_a_stop(world: World) -> None:
    for starts in (1, 2):
        world.child.start()
        world.child.wait_ready(PATIENCE_S)
        assert world.starts == starts
        world.child.stop()
    assert world.child.restarts == 0


def test_one_that_was_not_started_is_not_waited_for(world: World) -> None:
    with pytest.raises(ModelLoading):
        world.child.wait_ready(PATIENCE_S)


def test_patience_has_an_end(world: World) -> None:
    world.code = SILENT
    world.child.start()
    error = failure_of(lambda: world.child.wait_ready(0.01))
    assert isinstance(error, ModelLoading)
    assert error.retry_after > 0
    assert world.child.state is ChildState.STARTING


def test_a_stop_wakes_those_who_wait(world: World) -> None:
    world.code = SILENT
    world.child.start()
    found: list[LunaError] = []
    waiter = threading.Thread(
        target=lambda: found.append(failure_of(lambda: world.child.wait_ready(PATIENCE_S)))
    )
    waiter.start()
    eventually(lambda: world.child.pid is not None)
    world.child.stop()
    waiter.join(PATIENCE_S)
    assert [type(error) for error in found] == [ModelLoading]


def test_a_failed_start_is_explained_and_final(world: World) -> None:
    world.code = "print('the reason'); raise SystemExit(70)"
    world.child.start()
    error = failure_of(lambda: world.child.wait_ready(PATIENCE_S))
    assert isinstance(error, ModelLoadFailed)
    assert error.message == "It ended with 70: the reason"
    assert world.child.state is ChildState.FAILED
    assert world.child.failure is not None
    assert world.starts == 1
    world.code = READY_THEN_WAIT
    world.child.start()
    world.child.wait_ready(PATIENCE_S)


def test_a_program_that_is_not_there_is_explained(world: World) -> None:
    world.program = "/no/such/program"
    world.child.start()
    error = failure_of(lambda: world.child.wait_ready(PATIENCE_S))
    assert "/no/such/program" in error.message


def test_one_that_never_gets_ready_is_ended(world: World) -> None:
    world.code = SILENT
    world.make(start_limit=0.1).start()
    error = failure_of(lambda: world.child.wait_ready(PATIENCE_S))
    assert isinstance(error, ModelLoadFailed)
    assert "not ready within" in error.message
    assert world.child.pid is None


def test_a_crash_is_followed_by_a_restart(world: World) -> None:
    world.child.start()
    for crashes in (1, 2, 3):
        world.child.wait_ready(PATIENCE_S)
        pid = world.kill()
        assert isinstance(world.child.death(), EngineDied)
        eventually(lambda crashes=crashes: world.child.restarts == crashes)  # type: ignore[misc]
        assert gone(pid)
    world.child.wait_ready(PATIENCE_S)
    assert world.starts == 4
    assert [status for _, status in world.explained] == [-signal.SIGKILL] * 3


def test_restarts_in_vain_have_an_end(world: World) -> None:
    world.child.start()
    world.child.wait_ready(PATIENCE_S)
    world.code = "print('no more'); raise SystemExit(1)"
    world.kill()
    eventually(lambda: world.child.state is ChildState.FAILED)
    error = failure_of(lambda: world.child.wait_ready(PATIENCE_S))
    assert "no more" in error.message
    assert world.starts == 3  # the first one, and `restarts_in_vain`


def test_a_stop_ends_the_pause_before_a_restart(world: World, spawner: Spawner) -> None:
    plan = ChildPlan(
        name="m",
        command=lambda: [sys.executable, "-S", "-c", READY_THEN_WAIT, str(world.file)],
        probe=world.file.exists,
        explain=lambda output, status: "x",
        first_pause=1000.0,
        longest_pause=1000.0,
    )
    world.child = Child(plan, spawner)
    world.child.start()
    world.child.wait_ready(PATIENCE_S)
    world.kill()
    eventually(lambda: world.child.restarts == 1)
    world.child.stop()
    assert world.child.state is ChildState.STOPPED


def test_a_stubborn_process_is_killed(world: World, spawner: Spawner) -> None:
    code = (
        "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "open(sys.argv[1], 'w').close()\nwhile True: signal.pause()"
    )
    plan = ChildPlan(
        name="m",
        command=lambda: [sys.executable, "-S", "-c", code, str(world.file)],
        probe=world.file.exists,
        explain=lambda output, status: "x",
        stop_grace=0.05,
    )
    world.child = Child(plan, spawner)
    world.child.start()
    world.child.wait_ready(PATIENCE_S)
    pid = world.child.pid
    assert pid is not None
    world.child.stop()
    assert gone(pid)

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.engines import launch
from tests.helpers.wire import eventually

ROOT = Path(__file__).parents[3]

# Starts a child from a thread that then ends, says the child's pid, and waits to be killed.
PARENT = """
import signal, sys, threading
from appliance.engines import launch
from appliance.system.processes import Spawner

spawner = Spawner()
found = []
program = [sys.executable, "-S", "-c", "import signal; print('up', flush=True); signal.pause()"]
thread = threading.Thread(target=lambda: found.append(spawner.spawn(launch.command(program))))
thread.start()
thread.join()
assert found[0].stdout.readline() == b"up\\n"
print(found[0].pid, flush=True)
if sys.argv[1] == "wait":
    signal.pause()
"""


def run(*program: str, cpus: str = "", nice: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a program through the launcher."""
    command = launch.command(program, cpus=cpus, nice=nice)
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def report(code: str, cpus: str = "", nice: int = 0) -> str:
    done = run(sys.executable, "-c", f"import os; print({code})", cpus=cpus, nice=nice)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def alive(pid: int) -> bool:
    """Whether the process runs; one that waits for its parent to take note has ended."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(") ")[2][0] not in "ZX"


def test_a_child_outlives_the_thread_but_not_the_process_that_started_it() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, "wait"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert alive(pid)
        parent.send_signal(signal.SIGKILL)
    eventually(lambda: not alive(pid), "the end of the child")


def test_a_child_dies_with_a_process_that_ends_by_itself() -> None:
    command = [sys.executable, "-c", PARENT, "leave"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    eventually(lambda: not alive(int(done.stdout)), "the end of the child")


def test_a_child_whose_parent_is_gone_does_not_start() -> None:
    command = launch.command([sys.executable, "-c", "print('alive')"])
    command[command.index("--parent") + 1] = "1"
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")


def test_cpus_and_niceness_are_set() -> None:
    last = max(os.sched_getaffinity(0))
    assert report("sorted(os.sched_getaffinity(0))", cpus=f"{last}") == f"[{last}]"
    assert report("len(os.sched_getaffinity(0))") == str(len(os.sched_getaffinity(0)))
    assert int(report("os.nice(0)", nice=3)) == min(19, os.nice(0) + 3)


def test_the_kernel_prefers_it_when_memory_runs_out() -> None:
    assert int(report("open('/proc/self/oom_score_adj').read()")) >= 500


@pytest.mark.parametrize(
    ("program", "cpus", "said"),
    [
        ("/no/such/program", "", "/no/such/program cannot be run (No such file or directory)"),
        (sys.executable, "4000", "cpu_engine.cpus is 4000"),
    ],
)
def test_what_cannot_be_done_is_one_line(program: str, cpus: str, said: str) -> None:
    done = run(program, "-c", "", cpus=cpus)
    assert done.returncode != 0
    assert done.stderr.startswith("launch: ")
    assert said in done.stderr
    assert "Traceback" not in done.stderr

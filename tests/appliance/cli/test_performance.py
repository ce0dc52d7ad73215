from __future__ import annotations

import signal
import subprocess
import sys
import time

from tests.helpers.server import ROOT


def test_it_runs_until_it_is_told_to_stop() -> None:
    command = [sys.executable, "-m", "appliance.cli.main", "performance"]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not _handles_term(process.pid):
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()


def _handles_term(pid: int) -> bool:
    """Whether the process has a handler for SIGTERM (proc_pid_status(5), SigCgt)."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:  # noqa: PTH123
        (caught,) = (line.split()[1] for line in file if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)

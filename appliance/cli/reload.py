"""Restarts the same command whenever Luna's own source changes."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from appliance.system.ending import Ending

_PACKAGE = Path(__file__).parents[1]
_LOOK_EVERY = 1.0  # seconds


def run_and_reload() -> int:
    """Run this command without `--reload`, again and again, until a signal ends it."""
    command = [sys.executable, "-m", "appliance.cli.main"]
    command += [argument for argument in sys.argv[1:] if argument != "--reload"]
    stopping = Ending.on(signal.SIGTERM, signal.SIGINT)
    while not stopping.is_set():
        before = _newest()
        child = subprocess.Popen(command)
        while not stopping.wait(_LOOK_EVERY) and _newest() == before:
            pass
        if not stopping.is_set():
            print("Luna's code has changed; it restarts.", file=sys.stderr)
        child.terminate()
        child.wait()
    return 0


def _newest() -> int:
    return max(path.stat().st_mtime_ns for path in _PACKAGE.rglob("*.py"))

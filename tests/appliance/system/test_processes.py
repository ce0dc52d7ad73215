from __future__ import annotations

import signal
import sys

from appliance.system.processes import Spawner, kill_now

LINE = (
    "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(99)'])"
)


def test_a_child_is_killed_with_its_group_at_once() -> None:
    spawner = Spawner()
    try:
        child = spawner.spawn([sys.executable, "-c", LINE])
        kill_now(child.pid)
        assert child.wait(30) == -signal.SIGKILL
        assert child.stdout is not None
        assert child.stdout.read() == b"", "whoever held the pipe is gone too"
        child.stdout.close()
        kill_now(child.pid)
    finally:
        spawner.close()

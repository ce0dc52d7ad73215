"""schemathesis against `/openapi.json`: no fault of the server's, no undocumented answer.

Its phases: every documented example, the edges of every schema (also just outside of them, and
every method that is not documented), then bodies at random from a fixed seed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.server import ROOT, RunningLuna

pytestmark = pytest.mark.needs("engine")
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")


@pytest.mark.timeout(240)
def test_the_server_does_as_its_description_says(luna: RunningLuna, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "schemathesis.cli", f"--config-file={CONFIGURATION}"]
    command += ["run", f"{luna.url}/openapi.json", "--no-color", "--request-timeout=30"]
    done = subprocess.run(
        command,
        cwd=tmp_path,  # it leaves a cache where it stands
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Fuzzing" in done.stdout

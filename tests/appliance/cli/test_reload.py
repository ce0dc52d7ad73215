from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.server import READY, ROOT, clean_environment
from tests.helpers.wire import eventually


@pytest.mark.needs("engine")
def test_a_change_of_the_code_restarts_it_and_a_signal_ends_it(tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns("*.gguf", "__pycache__", "text")
    shutil.copytree(ROOT / "appliance", tmp_path / "appliance", ignore=ignored)
    log = tmp_path / "log"
    command = [sys.executable, "-m", "appliance.cli.main", "serve", "--reload"]
    command += ["--host=127.0.0.1", "--port=0"]
    environ = clean_environment(tmp_path) | {"PYTHONPATH": str(tmp_path)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environ, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        eventually(lambda: READY.search(log.read_text("utf-8")), "the first start")
        (tmp_path / "appliance/errors.py").touch()
        eventually(lambda: len(READY.findall(log.read_text("utf-8"))) == 2, "the second start")
        assert "Luna's code has changed" in log.read_text("utf-8")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30.0) == 0
        assert log.read_text("utf-8").count("Luna stops") == 2
    finally:
        process.kill()
        process.wait(30.0)

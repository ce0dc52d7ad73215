import subprocess
import sys
from pathlib import Path

import pytest

from appliance.mdns.__main__ import main


def test_a_port_that_nobody_knows_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LUNA_DATA", str(tmp_path))
    assert main(["--port", "0"]) == 1
    assert "choose one" in capsys.readouterr().err


def test_it_imports_little() -> None:
    heavy = ["bottle", "cheroot", "pyroute2", "dbus_next", "http.server", "appliance.serving"]
    code = f"import sys, appliance.mdns.__main__; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

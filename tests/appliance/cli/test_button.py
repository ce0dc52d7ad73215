from __future__ import annotations

from pathlib import Path

import pytest

from appliance.cli import button
from appliance.cli.main import main
from appliance.system.reset_mark import Reset, asked


@pytest.mark.parametrize("held", [False, True])
def test_what_is_held_resets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: bool) -> None:
    monkeypatch.setattr(button, "wait_for_hold", lambda device, seconds: held)
    assert main(["button", "/dev/null", "--data-dir", str(tmp_path)]) == 0
    assert asked(tmp_path) == (Reset() if held else None)


def test_what_is_no_device_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["button", str(tmp_path / "none"), "--data-dir", str(tmp_path)]) == 1
    assert "group input" in capsys.readouterr().err

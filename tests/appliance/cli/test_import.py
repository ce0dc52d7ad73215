from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from appliance.cli.main import main
from appliance.importing import progress
from appliance.importing.progress import Progress
from tests.helpers.server import tiny_model


def test_models_come_from_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stick, models, screen = (tmp_path / name for name in ("stick", "models", "screen"))
    stick.mkdir()
    screen.mkdir()
    monkeypatch.setattr(progress, "FOLDER", screen)
    shutil.copyfile(tiny_model(), stick / "small.gguf")
    words = ["import", str(stick), "--models-dir", str(models), "--progress", "sda1"]
    assert main(words) == 0
    assert "small can be used now" in capsys.readouterr().out
    (told,) = progress.told(screen)
    assert told.state == "done"
    (stick / "small.gguf").write_bytes(b"other")
    assert main(words) == 1


def test_a_stick_that_is_pulled_out_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Progress] = []

    def tell(folder: Path, stick: str, now: Progress) -> None:
        told.append(now)
        if now.state == "copying":
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(progress, "tell", tell)
    stick, models = tmp_path / "stick", tmp_path / "models"
    stick.mkdir()
    shutil.copyfile(tiny_model(), stick / "small.gguf")
    before = signal.getsignal(signal.SIGTERM)
    words = ["import", str(stick), "--models-dir", str(models), "--progress", "sda1"]
    assert main(words) != 0
    assert [each.state for each in told] == ["copying", "failed"]
    assert "pulled out" in told[-1].message
    assert [path.name for path in models.iterdir() if path.is_dir()] == []
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_folder_that_is_not_there_has_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["import", str(tmp_path / "none"), "--models-dir", str(tmp_path / "models")]
    assert main(words) == 0
    assert "There is no model" in capsys.readouterr().out


def test_a_models_folder_that_cannot_be_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main(["import", str(tmp_path), "--models-dir", str(tmp_path / "file")]) == 1
    assert "cannot be written to" in capsys.readouterr().err

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from appliance.cli.main import main
from appliance.system.reset_mark import Reset, asked


def answer(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: word)


@pytest.mark.parametrize("models", [False, True])
def test_a_yes_is_kept_for_the_next_boot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, models: bool
) -> None:
    answer(monkeypatch, " Yes ")
    words = ["reset", "--data-dir", str(tmp_path), *(["--models"] if models else [])]
    assert main(words) == 0
    assert asked(tmp_path) == Reset(models)


@pytest.mark.parametrize("word", ["", "no", "y"])
def test_anything_else_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    answer(monkeypatch, word)
    assert main(["reset", "--data-dir", str(tmp_path)]) == 1
    assert asked(tmp_path) is None


def test_without_a_terminal_it_wants_to_be_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)
    assert main(["reset", "--data-dir", str(tmp_path)]) == 1
    assert "--yes" in capsys.readouterr().err
    assert main(["reset", "--data-dir", str(tmp_path), "--yes"]) == 0
    assert asked(tmp_path) == Reset()


def test_where_there_is_no_device_it_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reset", "--data-dir", str(tmp_path / "none"), "--yes"]) == 1
    assert "sudo luna reset" in capsys.readouterr().err

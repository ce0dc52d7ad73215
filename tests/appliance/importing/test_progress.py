from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.importing import progress
from appliance.importing.progress import Progress, tell, teller, told


def test_the_latest_comes_last(tmp_path: Path) -> None:
    assert told(tmp_path / "none") == ()
    one, two = Progress("copying", "one", 1, 3), Progress("done", "two")
    tell(tmp_path, "sda1", one)
    tell(tmp_path, "sdb1", two)
    os.utime(tmp_path / "sda1.json", (5, 5))
    os.utime(tmp_path / "sdb1.json", (6, 6))
    assert told(tmp_path, lambda: 100.0) == (one, two)
    os.utime(tmp_path / "sdb1.json", (4, 4))
    assert told(tmp_path, lambda: 100.0) == (two, one)
    assert told(tmp_path, lambda: 1000.0) == (), "that is no news"
    assert one.percent == 33
    assert two.percent == 0


def test_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"\xff")
    (tmp_path / "b.json").write_text('{"state": "what", "message": ""}')
    (tmp_path / "c.json").mkdir()
    assert told(tmp_path) == ()


def test_a_screen_that_is_not_there_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "FOLDER", tmp_path)
    teller("sda1")(Progress("done", "one"))
    teller(None)(Progress("done", "two"))
    assert [each.message for each in told(tmp_path)] == ["one"]
    monkeypatch.setattr(progress, "FOLDER", tmp_path / "none")
    teller("sda1")(Progress("done", "three"))

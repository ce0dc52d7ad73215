from __future__ import annotations

import os
from pathlib import Path

from appliance.importing.progress import Progress, tell, told


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

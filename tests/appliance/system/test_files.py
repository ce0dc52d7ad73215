from __future__ import annotations

import stat
from pathlib import Path

import pytest

from appliance.system.files import remove_durably, write_durably


def test_a_file_is_replaced_with_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text("old")
    write_durably(file, b"new", 0o640)
    assert file.read_text() == "new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert [each.name for each in tmp_path.iterdir()] == ["key.pem"]


def test_what_a_power_cut_left_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / ".file.new").symlink_to(tmp_path / "elsewhere")
    write_durably(tmp_path / "file", b"x")
    assert not (tmp_path / "elsewhere").exists()


def test_what_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_durably(tmp_path / "file", b"x")
    assert (tmp_path / "file").is_dir()


def test_a_file_is_removed_or_was_not_there(tmp_path: Path) -> None:
    file = tmp_path / "mark"
    file.touch()
    remove_durably(file)
    remove_durably(file)
    file.symlink_to("nothing")
    remove_durably(file)
    assert not list(tmp_path.iterdir())


def test_no_group_is_set_where_none_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A sandboxed service may not even call it (SystemCallFilter=~@privileged).
    monkeypatch.delattr("os.fchown")
    write_durably(tmp_path / "file", b"x")
    assert (tmp_path / "file").read_bytes() == b"x"

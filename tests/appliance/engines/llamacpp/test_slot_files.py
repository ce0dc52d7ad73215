from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.engines.base import ModelSpec
from appliance.engines.llamacpp.slot_files import SlotFiles
from appliance.errors import BadRequest

SPEC = ModelSpec("a/b", Path("/none/m.gguf"), 10, context=64)


def put(files: SlotFiles, name: str, size: int, age: int) -> None:
    path = files.folder / name
    path.write_bytes(bytes(size))
    os.utime(path, (1000 - age, 1000 - age))


@given(st.text(max_size=140))
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    files = SlotFiles(Path("/slots"), SPEC, 0)
    try:
        checked = files.checked(name)
    except BadRequest:
        return
    assert checked == name
    assert (files.folder / checked).resolve().parent == files.folder


@pytest.mark.parametrize("name", ["", ".", "..", "../a", "a/b", "/etc/passwd", "a\n", "a\0", "é"])
def test_odd_names_are_refused(name: str) -> None:
    with pytest.raises(BadRequest, match="Invalid filename"):
        SlotFiles(Path("/slots"), SPEC, 0).checked(name)


def test_each_version_of_a_model_has_its_own_folder(tmp_path: Path) -> None:
    model = tmp_path / "m.gguf"
    model.write_bytes(b"x")
    spec = replace(SPEC, path=model)
    folders = [SlotFiles(tmp_path, each, 0).folder for each in (spec, replace(spec, context=128))]
    os.utime(model, (5, 5))
    folders.append(SlotFiles(tmp_path, spec, 0).folder)
    assert len(set(folders)) == 3
    assert SlotFiles(tmp_path, spec, 0).folder == folders[-1]
    assert {folder.parent for folder in folders} == {tmp_path}


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    files = SlotFiles(tmp_path, SPEC, 0)
    files.make_folder()
    assert files.folder.stat().st_mode & 0o777 == 0o700
    with pytest.raises(BadRequest, match="no saved slot 'a'"):
        files.size("a")
    put(files, "a", 7, age=0)
    assert files.size("a") == 7


def test_the_oldest_go_whatever_model_they_are_of(tmp_path: Path) -> None:
    mine, other = (SlotFiles(tmp_path, replace(SPEC, id=id), 100) for id in "ab")
    for files in (mine, other):
        files.make_folder()
    put(other, "old", 50, age=9)
    put(mine, "older", 50, age=10)
    put(mine, "young", 40, age=2)
    put(mine, "new", 50, age=1)
    mine.tidy("new")
    left = sorted(path.name for path in tmp_path.glob("*/*"))
    assert left == ["new", "young"]
    put(mine, "huge", 500, age=0)
    mine.tidy("huge")
    assert [path.name for path in tmp_path.glob("*/*")] == ["huge"]


def test_a_folder_that_cannot_be_made_is_no_reason_to_stop() -> None:
    SlotFiles(Path("/proc/none"), SPEC, 0).make_folder()

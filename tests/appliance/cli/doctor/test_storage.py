from __future__ import annotations

from pathlib import Path

import pytest

from appliance.cli.doctor import storage
from appliance.cli.doctor.check import Level
from appliance.models.folder import Entry
from appliance.system.disk import Disk

GOOD = Entry("good", Path("good.gguf"), 1, 0.0)
BAD = Entry("bad", Path("bad.gguf"), 1, 0.0, problem="It is damaged.")


@pytest.mark.parametrize(
    ("free", "level"), [(50e9, Level.OK), (1e9, Level.WARNING), (5e6, Level.PROBLEM)]
)
def test_room(free: float, level: Level) -> None:
    assert storage.room("disk", Path("models"), Disk(10**11, int(free))).level is level


def test_a_folder_may_be_written_or_made(tmp_path: Path) -> None:
    assert "can be written" in storage.writable("data", tmp_path).sentence
    found = storage.writable("data", tmp_path / "a/b")
    assert found.level is Level.OK
    assert "will be made" in found.sentence


def test_a_folder_that_belongs_to_another_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    found = storage.writable("data", tmp_path)
    assert found.level is Level.PROBLEM
    assert "--data-dir" in found.remedy


def test_a_file_in_the_way_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"")
    found = storage.writable("data", tmp_path / "data/models")
    assert found.level is Level.PROBLEM
    assert found.remedy.startswith("Move it away: mv ")


def test_models() -> None:
    assert storage.models(Path("m"), [GOOD]).level is Level.OK
    found = storage.models(Path("m"), [GOOD, BAD])
    assert found.level is Level.WARNING
    assert "'bad': It is damaged." in found.sentence
    assert storage.models(Path("m"), [BAD]).level is Level.PROBLEM
    assert storage.models(Path("m"), []).level is Level.PROBLEM

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from appliance.cli.main import main
from tests.helpers.server import tiny_model


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "models"
    (folder / "own").mkdir(parents=True)
    shutil.copy(tiny_model(), folder / "bare.gguf")
    shutil.copy(tiny_model(), folder / "own/weights.gguf")
    (folder / "own/luna.toml").write_text('aliases = ["mine"]\n')
    (folder / "broken.gguf").write_bytes(b"nothing")
    monkeypatch.setenv("LUNA_MODELS_FOLDER", str(folder))
    return folder


def output(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["models", *words]) == 0
    return capsys.readouterr().out


def test_the_list_is_for_people(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = output(capsys).splitlines()
    assert lines[0].split() == ["MODEL", "SIZE", "PARAMETERS", "CONTEXT", "STATE"]
    assert "(default" in lines[1]
    assert any(line.startswith("broken ") and "not a GGUF file" in line for line in lines)
    assert lines[-1] == f"Models folder: {folder}"


def test_the_list_is_for_programs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = {row["id"]: row for row in json.loads(output(capsys, "list", "--json"))}
    assert {"bare", "own", "broken", "luna-guide"} <= rows.keys()
    assert rows["bare"]["usable"]
    assert rows["bare"]["parameters"] > 0
    assert not rows["broken"]["usable"]
    assert rows["luna-guide"]["bundled"]


def test_options_may_stand_before_the_action(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = json.loads(output(capsys, "--json", "--models-dir", str(tmp_path / "none"), "list"))
    assert [row["id"] for row in rows] == ["luna-guide"]


def test_one_model_is_explained(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "mine" in output(capsys, "info", "own")
    assert json.loads(output(capsys, "info", "mine", "--json"))["id"] == "own"
    assert main(["models", "info", "none"]) == 1
    assert "'none' does not exist" in capsys.readouterr().err


def test_a_file_is_removed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "Removed bare" in output(capsys, "rm", "bare", "--yes")
    assert sorted(path.name for path in folder.iterdir()) == ["broken.gguf", "own"]


def test_a_folder_of_its_own_is_removed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output(capsys, "rm", "own", "--yes")
    assert not (folder / "own").exists()


def test_a_broken_model_is_removed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output(capsys, "rm", "broken", "--yes")
    assert not (folder / "broken.gguf").exists()


def test_one_of_two_in_a_folder_goes_alone(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(tiny_model(), folder / "own/other.gguf")
    output(capsys, "rm", "own/other", "--yes")
    assert (folder / "own/weights.gguf").exists()
    assert not (folder / "own/other.gguf").exists()


def test_all_parts_of_a_split_model_go(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for part in (1, 2):
        shutil.copy(tiny_model(), folder / f"big-{part:05}-of-00002.gguf")
    shutil.copy(tiny_model(), folder / "big-00001-of-00003.gguf.txt")
    output(capsys, "rm", "big", "--yes")
    assert [path.name for path in folder.glob("big*")] == ["big-00001-of-00003.gguf.txt"]


@pytest.mark.parametrize(("name", "said"), [("luna-guide", "part of Luna"), ("mine", "no model")])
def test_what_must_stay_stays(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str, said: str
) -> None:
    assert main(["models", "rm", name, "--yes"]) == 1
    assert said in capsys.readouterr().err
    assert (folder / "own/weights.gguf").exists()


def test_a_link_is_removed_and_not_what_it_leads_to(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.move(folder / "own", tmp_path / "elsewhere")
    (folder / "own").symlink_to(tmp_path / "elsewhere")
    output(capsys, "rm", "own", "--yes")
    assert not (folder / "own").is_symlink()
    assert (tmp_path / "elsewhere/weights.gguf").exists()


def test_nothing_outside_the_folder_is_removed(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.move(folder / "own", tmp_path / "elsewhere")
    shutil.copy(tiny_model(), tmp_path / "elsewhere/other.gguf")
    (folder / "own").symlink_to(tmp_path / "elsewhere")
    assert main(["models", "rm", "own/other", "--yes"]) == 1
    assert "leads out of the models folder" in capsys.readouterr().err
    assert (tmp_path / "elsewhere/other.gguf").exists()


@pytest.mark.parametrize(("answer", "stays"), [("y", False), ("n", True), ("", True)])
def test_it_asks_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch, answer: str, stays: bool
) -> None:
    monkeypatch.setattr("builtins.input", lambda prompt: answer)
    assert main(["models", "rm", "bare"]) == int(stays)
    assert (folder / "bare.gguf").exists() == stays

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from appliance.importing.stick import find, updates
from tests.helpers import random_model


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_model.tiny(tmp_path_factory.mktemp("tiny") / "tiny.gguf")


def put(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copyfile(source, target))


def test_files_and_folders_are_found_in_both_places(tmp_path: Path, tiny: Path) -> None:
    put(tiny, tmp_path / "bare.gguf")
    put(tiny, tmp_path / "own/model.gguf")
    (tmp_path / "own/tokenizer.json").write_text("{}")
    (tmp_path / "own/.hidden").write_text("x")
    put(tiny, tmp_path / "models/inner.gguf")
    (tmp_path / "models/npu").mkdir()
    (tmp_path / "models/npu/model.rkllm").write_bytes(b"weights")
    (tmp_path / "holiday.jpg").write_bytes(b"x")
    found = {item.name: [file.name for file in item.files] for item in find(tmp_path)}
    assert found == {
        "inner": ["inner.gguf"],
        "npu": ["model.rkllm"],
        "bare": ["bare.gguf"],
        "own": ["model.gguf", "tokenizer.json"],
    }


def test_several_in_one_folder_come_together(tmp_path: Path, tiny: Path) -> None:
    put(tiny, tmp_path / "two/a.gguf")
    put(tiny, tmp_path / "two/b.gguf")
    (item,) = find(tmp_path)
    assert item.name == "two"
    assert item.size_bytes == 2 * tiny.stat().st_size


def test_all_parts_of_a_model_come_along(tmp_path: Path, tiny: Path) -> None:
    for part in (1, 2):
        put(tiny, tmp_path / f"big-{part:05}-of-00002.gguf")
    (item,) = find(tmp_path)
    assert (item.name, len(item.files), item.problem) == ("big", 2, "")
    (tmp_path / "big-00002-of-00002.gguf").unlink()
    (item,) = find(tmp_path)
    assert "Part 2 of 2 is missing" in item.problem


def test_what_is_broken_is_found_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "broken.gguf").write_bytes(b"GGUF")
    (item,) = find(tmp_path)
    assert item.problem


def test_names_fit_a_folder_and_links_are_left_alone(tmp_path: Path, tiny: Path) -> None:
    put(tiny, tmp_path / "a: \\ b?.gguf")
    (tmp_path / "link.gguf").symlink_to(tiny)
    (tmp_path / "folder").symlink_to(tiny.parent)
    (tmp_path / "loop").symlink_to(".")
    (item,) = find(tmp_path)
    assert item.name == "a_ _ b_"


def test_an_empty_stick_and_none_have_nothing(tmp_path: Path) -> None:
    assert find(tmp_path) == ()
    assert find(tmp_path / "none") == ()


def test_updates_are_found_in_the_root_and_in_a_folder(tmp_path: Path) -> None:
    wanted = [tmp_path / "A.RAUCB", tmp_path / "b.raucb", tmp_path / "luna/c.raucb"]
    (tmp_path / "luna").mkdir()
    for file in (*wanted, tmp_path / "._b.raucb", tmp_path / "holiday.jpg"):
        file.touch()
    (tmp_path / "link.raucb").symlink_to(wanted[0])
    (tmp_path / "folder.raucb").mkdir()
    Path(f"{tmp_path}/\udcff.raucb").touch()
    assert updates(tmp_path) == tuple(wanted)
    assert updates(tmp_path / "none") == ()

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from appliance.errors import BadRequest, StorageFailed
from appliance.models import changes
from appliance.models.folder import Entry, inspect, scan
from tests.helpers.server import tiny_model


def add(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(tiny_model(), path)


def entries(folder: Path) -> dict[str, Entry]:
    return {entry.id: entry for entry in scan(folder)}


def left(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_loose_file_goes_alone(tmp_path: Path) -> None:
    add(tmp_path, "models.gguf", "b.gguf")
    (tmp_path / "tokenizer.json").write_text("{}")
    changes.remove(entries(tmp_path)["models"], tmp_path)
    assert left(tmp_path) == ["b.gguf", "tokenizer.json"]


def test_every_part_of_a_split_model_goes(tmp_path: Path) -> None:
    add(tmp_path, "m/a-00001-of-00002.gguf", "m/a-00002-of-00002.gguf")
    changes.remove(entries(tmp_path)["m"], tmp_path)
    assert left(tmp_path) == []


def test_what_belongs_to_a_model_goes_with_it_and_nothing_else(tmp_path: Path) -> None:
    add(tmp_path, "m/a.gguf")
    (tmp_path / "m" / "luna.toml").write_text('template = "chat.jinja"')
    (tmp_path / "m" / "chat.jinja").write_text("x")
    (tmp_path / "m" / "notes.txt").write_text("mine")
    changes.remove(entries(tmp_path)["m"], tmp_path)
    assert left(tmp_path) == ["m", "m/notes.txt"]


def test_a_template_of_elsewhere_stays(tmp_path: Path) -> None:
    add(tmp_path, "m/a.gguf")
    (tmp_path / "shared.jinja").write_text("x")
    (tmp_path / "m" / "luna.toml").write_text('template = "../shared.jinja"')
    changes.remove(entries(tmp_path)["m"], tmp_path)
    assert left(tmp_path) == ["shared.jinja"]


def test_a_folder_with_another_model_stays(tmp_path: Path) -> None:
    add(tmp_path, "m/a.gguf", "m/b.gguf")
    (tmp_path / "m" / "luna.toml").write_text("context = 512")
    changes.remove(entries(tmp_path)["m/a"], tmp_path)
    assert left(tmp_path) == ["m", "m/b.gguf", "m/luna.toml"]


def test_the_bundled_model_stays(tmp_path: Path) -> None:
    entry = Entry("guide", tmp_path / "guide.gguf", 1, 1.0, bundled=True)
    with pytest.raises(BadRequest, match="Luna itself"):
        changes.remove(entry, tmp_path)


def test_a_folder_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(tmp_path, "a.gguf")
    entry = entries(tmp_path)["a"]

    def refuse(*arguments: Any, **more: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(StorageFailed, match="Permission denied"):
        changes.remove(entry, tmp_path)
    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(StorageFailed, match="Permission denied"):
        changes.copy(entry, tmp_path, "b")
    assert left(tmp_path) == ["a.gguf"]


def test_a_copy_shares_its_blocks_and_outlives_the_first(tmp_path: Path) -> None:
    add(tmp_path, "a-00001-of-00002.gguf", "a-00002-of-00002.gguf")
    entry = entries(tmp_path)["a"]
    changes.copy(entry, tmp_path, "b")
    copied = entries(tmp_path)["b"]
    assert copied.usable
    assert copied.path.stat().st_ino == entry.path.stat().st_ino
    changes.remove(entry, tmp_path)
    assert list(entries(tmp_path)) == ["b"]
    assert inspect(copied.path, "b").usable


def test_a_copy_has_a_manifest_of_its_own(tmp_path: Path) -> None:
    add(tmp_path, "m/a.gguf")
    (tmp_path / "m" / "luna.toml").write_text("context = 512")
    changes.copy(entries(tmp_path)["m"], tmp_path, "n")
    (tmp_path / "n" / "luna.toml").write_text("context = 256")
    found = entries(tmp_path)
    assert [found[name].manifest.context for name in "mn"] == [512, 256]


def test_without_hard_links_the_bytes_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    add(tmp_path, "a.gguf")
    changes.copy(entries(tmp_path)["a"], tmp_path, "b")
    assert entries(tmp_path)["b"].usable
    assert left(tmp_path) == ["a.gguf", "b", "b/a.gguf"]


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", ".hidden", "a b", "x" * 200, "é"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    add(tmp_path, "a.gguf")
    with pytest.raises(BadRequest, match="letters, digits"):
        changes.copy(entries(tmp_path)["a"], tmp_path, name)
    assert left(tmp_path) == ["a.gguf"]


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    add(tmp_path, "a.gguf", "b/c.gguf")
    with pytest.raises(BadRequest, match="already"):
        changes.copy(entries(tmp_path)["a"], tmp_path, "b")


def npu_model(folder: Path) -> Entry:
    (folder / "n" / "1_Pooling").mkdir(parents=True)
    for name in ("w.rkllm", "tokenizer.json", "chat_template.jinja", "1_Pooling/config.json"):
        (folder / "n" / name).write_text("{}")
    (folder / "n" / "luna.toml").write_text("[source]\nrepo = 'a/b'\nfile = 'w.rkllm'\n")
    return entries(folder)["n"]


def test_a_model_of_the_npu_goes_with_all_that_came_with_it(tmp_path: Path) -> None:
    changes.remove(npu_model(tmp_path), tmp_path)
    assert left(tmp_path) == []


def test_a_copy_of_a_fetched_model_was_not_fetched(tmp_path: Path) -> None:
    changes.copy(npu_model(tmp_path), tmp_path, "second")
    assert left(tmp_path / "second") == left(tmp_path / "n")
    assert entries(tmp_path)["second"].manifest.source is None
    assert entries(tmp_path)["n"].manifest.source is not None


def test_a_folder_that_is_a_link_is_not_moved(tmp_path: Path) -> None:
    add(tmp_path, "elsewhere/a.gguf", "models/b.gguf")
    (tmp_path / "models" / "m").symlink_to(tmp_path / "elsewhere")
    changes.remove(entries(tmp_path / "models")["m"], tmp_path / "models")
    assert not (tmp_path / "elsewhere" / "a.gguf").exists()


def test_what_a_killed_process_left_is_swept_away(tmp_path: Path) -> None:
    add(tmp_path, "m/a.gguf", ".m.gone/a.gguf", ".x.new/b.gguf")
    (tmp_path / ".keep").mkdir()
    changes.sweep(tmp_path)
    assert left(tmp_path) == [".keep", "m", "m/a.gguf"]

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from appliance.models import folder as module
from appliance.models.folder import inspect, scan
from tests.helpers import random_model


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_model.tiny(tmp_path_factory.mktemp("tiny") / "tiny.gguf")


def put(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copyfile(source, target))


def ids(folder: Path) -> list[str]:
    return [entry.id for entry in scan(folder)]


def test_no_folder_and_an_empty_one_have_no_models(tmp_path: Path) -> None:
    assert scan(tmp_path / "none") == ()
    assert scan(tmp_path) == ()


def test_a_bare_file_and_one_in_a_folder_are_models(tmp_path: Path, tiny: Path) -> None:
    put(tiny, tmp_path / "bare.gguf")
    put(tiny, tmp_path / "own" / "anything.gguf")
    put(tiny, tmp_path / "two" / "a.gguf")
    put(tiny, tmp_path / "two" / "b.gguf")
    assert ids(tmp_path) == ["bare", "own", "two/a", "two/b"]
    for entry in scan(tmp_path):
        assert entry.usable
        assert entry.size_bytes == tiny.stat().st_size
        assert entry.architecture == "llama"
        assert entry.context_length == random_model.TINY.context
        assert entry.parameters > 100_000


def test_a_pipe_and_a_folder_with_a_models_name_keep_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "folder.gguf").mkdir()
    assert [entry.usable for entry in scan(tmp_path)] == [False, False]


def test_models_for_the_npu_are_found_alike(tmp_path: Path, tiny: Path) -> None:
    for name in ("bare.rkllm", "own/model.rkllm", "both/b.rkllm"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"weights")
    put(tiny, tmp_path / "both" / "a.gguf")
    (tmp_path / "own" / "luna.toml").write_text("context = 2048\nstop = ['x']\npooling = 'last'")
    assert ids(tmp_path) == ["bare", "both/a", "both/b", "own"]
    bare, cpu, npu, own = scan(tmp_path)
    assert [entry.for_npu for entry in (bare, cpu, npu, own)] == [True, False, True, True]
    assert all(entry.usable for entry in (bare, cpu, npu, own))
    assert (own.size_bytes, own.manifest.context, own.manifest.stop) == (7, 2048, ("x",))
    (tmp_path / "bare.rkllm").write_bytes(b"")
    assert "still being copied" in scan(tmp_path)[0].problem


@pytest.mark.parametrize(
    "name", ["Qwen3-0.6B-w8a8-npu3-ctx16384-rk3588.rkllm", "Qwen3-0.6B-ctx16384/model.rkllm"]
)
def test_the_name_of_a_model_for_the_npu_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"weights")
    (entry,) = scan(tmp_path)
    assert (entry.parameters, entry.context_length) == (600_000_000, 16384)


def test_other_and_hidden_files_are_none(tmp_path: Path, tiny: Path) -> None:
    put(tiny, tmp_path / ".hidden.gguf")
    put(tiny, tmp_path / ".folder" / "model.gguf")
    put(tiny, tmp_path / "own" / ".part.gguf")
    put(tiny, tmp_path / "own" / "README.md")
    put(tiny, tmp_path / "model.gguf.part")
    assert scan(tmp_path) == ()


def test_names_stay_apart(tmp_path: Path, tiny: Path) -> None:
    put(tiny, tmp_path / "same.gguf")
    put(tiny, tmp_path / "same" / "other.gguf")
    assert ids(tmp_path) == ["same", "same.gguf"]


def test_a_split_model_is_one_and_its_size_that_of_all_parts(tmp_path: Path, tiny: Path) -> None:
    put(tiny, tmp_path / "big-00001-of-00003.gguf")
    for part in (2, 3):
        (tmp_path / f"big-0000{part}-of-00003.gguf").write_bytes(b"x" * 10 * part)
    (entry,) = scan(tmp_path)
    assert entry.id == "big"
    assert entry.usable
    assert entry.size_bytes == tiny.stat().st_size + 50


def test_a_missing_part_is_named(tmp_path: Path, tiny: Path) -> None:
    put(tiny, tmp_path / "own" / "big-00001-of-00002.gguf")
    (entry,) = scan(tmp_path)
    assert not entry.usable
    assert "big-00002-of-00002.gguf" in entry.problem


def test_parts_without_the_first_are_no_model(tmp_path: Path) -> None:
    (tmp_path / "big-00002-of-00002.gguf").write_bytes(b"x")
    assert scan(tmp_path) == ()


def test_a_file_that_is_still_copied_says_so(tmp_path: Path, tiny: Path) -> None:
    whole = tiny.read_bytes()
    path = tmp_path / "m.gguf"
    path.write_bytes(whole[:-1])
    (entry,) = scan(tmp_path)
    assert f"{len(whole) - 1} of {len(whole)} bytes" in entry.problem
    path.write_bytes(whole)
    (entry,) = scan(tmp_path, [entry])
    assert entry.usable


@pytest.mark.parametrize("content", [b"", b"text", b"GGUF"])
def test_a_broken_file_has_a_problem(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.gguf").write_bytes(content)
    (entry,) = scan(tmp_path)
    assert not entry.usable
    assert entry.problem.endswith(".")


def test_a_link_to_nowhere_has_a_problem(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").symlink_to(tmp_path / "gone")
    (entry,) = scan(tmp_path)
    assert "No such file" in entry.problem


def test_the_manifest_beside_a_model_counts(tmp_path: Path, tiny: Path) -> None:
    put(tiny, tmp_path / "own" / "m.gguf")
    manifest = tmp_path / "own" / "luna.toml"
    manifest.write_text("context = 77")
    (entry,) = scan(tmp_path)
    assert entry.manifest.context == 77
    manifest.write_text("context = 'x'")
    os.utime(manifest, ns=(1, 1))
    (entry,) = scan(tmp_path, [entry])
    assert "luna.toml" in entry.problem


def test_only_what_changed_is_read_again(tmp_path: Path, tiny: Path, mocker: MockerFixture) -> None:
    changed, same = put(tiny, tmp_path / "changed.gguf"), put(tiny, tmp_path / "same.gguf")
    known = scan(tmp_path)
    os.utime(changed, ns=(1, 1))
    looked_at = mocker.spy(module, "inspect")
    again = scan(tmp_path, known)
    assert [call.args[0] for call in looked_at.call_args_list] == [changed]
    assert {entry.path for entry in again} == {changed, same}
    assert again != known


def test_a_file_that_is_gone_is_forgotten(tmp_path: Path, tiny: Path) -> None:
    path = put(tiny, tmp_path / "m.gguf")
    known = scan(tmp_path)
    path.unlink()
    assert scan(tmp_path, known) == ()


def test_a_folder_that_is_called_like_a_file_has_a_problem(tmp_path: Path) -> None:
    (tmp_path / "own" / "m.gguf").mkdir(parents=True)
    assert inspect(tmp_path / "own" / "m.gguf", "m").problem

from __future__ import annotations

import itertools
import os
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.engines.rkllm.chat.prefixfiles import Identity, PrefixFiles, model_identity

ME = Identity("model", "1.3.0", "template", "lora", 4096)


@pytest.fixture
def files(tmp_path: Path) -> PrefixFiles:
    return opened(tmp_path)


def opened(folder: Path, budget: int = 100) -> PrefixFiles:
    ticks = itertools.count(1_000_000_000)
    return PrefixFiles(folder / "prefixes", budget, lambda: float(next(ticks)))


def added(files: PrefixFiles, tokens: tuple[int, ...], size: int = 30, who: Identity = ME) -> bool:
    files.place(who, tokens).write_bytes(repr(tokens).encode().ljust(size, b"."))
    return files.add(who, tokens)


def found(files: PrefixFiles, tokens: tuple[int, ...], who: Identity = ME) -> int:
    """How many tokens the file has that is found, after a look at its content."""
    chosen = files.find(who, tokens)
    if chosen is None:
        return 0
    path, size = chosen
    assert path.read_bytes().rstrip(b".") == repr(tokens[:size]).encode()
    return size


def names(folder: Path) -> set[str]:
    return {file.suffix for file in (folder / "prefixes").iterdir()}


def test_the_longest_is_found(files: PrefixFiles) -> None:
    for tokens in [(1,), (1, 2, 3), (1, 2), (2,)]:
        assert added(files, tokens, size=15)
    assert found(files, (1, 2, 3, 4)) == 3
    assert found(files, (1, 2, 3)) == 2  # a token must be left to run
    assert found(files, (1, 4)) == 1
    assert found(files, (3, 1, 2)) == 0
    assert found(files, (1,)) == 0


@pytest.mark.parametrize(
    "other",
    [
        replace(ME, model="x"),
        replace(ME, runtime="1.2.3"),
        replace(ME, template=""),
        replace(ME, lora=""),
        replace(ME, context=1),
    ],
)
def test_any_other_identity_finds_nothing(files: PrefixFiles, other: Identity) -> None:
    added(files, (1, 2))
    assert files.has(ME, (1, 2))
    assert not files.has(other, (1, 2))
    assert found(files, (1, 2, 3), other) == 0


def test_all_is_there_after_a_restart(tmp_path: Path, files: PrefixFiles) -> None:
    added(files, (1, 2))
    assert found(opened(tmp_path), (1, 2, 3)) == 2


def test_the_least_recently_used_goes(tmp_path: Path, files: PrefixFiles) -> None:
    for tokens in [(1,), (2,), (3,)]:
        added(files, tokens)
    assert found(files, (1, 0)) == 1
    added(files, (4,))
    assert [found(files, (token, 0)) for token in (1, 2, 3, 4)] == [1, 0, 1, 1]
    # A smaller budget at the next start; when each was used is known from the files.
    files = opened(tmp_path, budget=60)
    assert [found(files, (token, 0)) for token in (1, 3, 4)] == [0, 1, 1]
    assert len(list((tmp_path / "prefixes").iterdir())) == 4


def test_what_does_not_fit_pushes_nothing_out(tmp_path: Path, files: PrefixFiles) -> None:
    added(files, (1,))
    assert not added(files, (2,), size=101)
    assert found(files, (1, 0)) == 1
    assert ".part" not in names(tmp_path)


def test_an_empty_or_missing_file_is_not_kept(tmp_path: Path, files: PrefixFiles) -> None:
    assert not files.add(ME, (1,))
    files.place(ME, (2,)).touch()
    assert not files.add(ME, (2,))
    assert names(tmp_path) == set()


@pytest.mark.parametrize("damage", ["shorter", "other", "gone", "record gone", "record broken"])
def test_a_damaged_file_is_removed(tmp_path: Path, files: PrefixFiles, damage: str) -> None:
    added(files, (1,))
    added(files, (1, 2))
    path = next(p for p in (tmp_path / "prefixes").glob("*.cache") if b"2" in p.read_bytes())
    record = path.with_suffix(".json")
    match damage:
        case "shorter":
            os.truncate(path, 20)
        case "other":
            path.write_bytes(b"x" * 30)
        case "gone":
            path.unlink()
        case "record gone":
            record.unlink()
        case "record broken":
            record.write_bytes(b'{"identity":')
    files = opened(tmp_path)
    assert found(files, (1, 2, 3)) == 1
    assert not path.exists()
    assert not record.exists()


def test_what_was_not_finished_is_removed_at_the_start(tmp_path: Path, files: PrefixFiles) -> None:
    added(files, (1,))
    files.place(ME, (2,)).write_bytes(b"half")
    (tmp_path / "prefixes" / "foreign.txt").touch()
    opened(tmp_path)
    assert names(tmp_path) == {".cache", ".json", ".txt"}


def test_a_file_that_was_refused_is_gone(tmp_path: Path, files: PrefixFiles) -> None:
    added(files, (1,))
    chosen = files.find(ME, (1, 2))
    assert chosen is not None
    files.drop(chosen[0])
    files.drop(chosen[0])
    assert found(files, (1, 2)) == 0
    assert names(tmp_path) == set()


def test_a_full_disk_is_no_error(
    files: PrefixFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    added(files, (1,))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert not added(files, (1, 2))
    assert found(files, (1, 2, 3)) == 1
    assert len(list((tmp_path / "prefixes").iterdir())) == 2


def test_a_model_is_known_by_its_content_and_time(tmp_path: Path) -> None:
    path = tmp_path / "model.rkllm"
    seen = set()
    for position in (0, 5 * 2**20, 10 * 2**20 - 1):
        with path.open("wb") as file:
            file.truncate(10 * 2**20)
            file.seek(position)
            file.write(b"x")
        os.utime(path, (1, 1))
        seen.add(model_identity(path))
    os.utime(path, (2, 2))
    seen.add(model_identity(path))
    assert len(seen) == 4
    assert model_identity(path) in seen
    path.write_bytes(b"")
    assert model_identity(path)

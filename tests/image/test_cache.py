"""What is kept for the next build."""

from __future__ import annotations

from pathlib import Path

import pytest

from image.builder.cache import Cache, key_of, tree_key


def test_an_archive_is_made_once_and_replaces_the_older_one(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    made: list[str] = []

    def make(path: Path) -> None:
        made.append(path.name)
        path.write_text("x", "utf-8")

    first, second = key_of("1"), key_of("2")
    assert cache.get("base", first, make) == cache.get("base", first, make)
    other = cache.get("base-rock", first, make)
    assert len(made) == 2
    cache.get("base", second, make)
    left = sorted(file.name for file in (tmp_path / "cache").iterdir())
    assert left == sorted([other.name, f"base-{second}.tar"])


def test_a_step_that_fails_leaves_nothing_that_counts(tmp_path: Path) -> None:
    cache = Cache(tmp_path)

    def fail(path: Path) -> None:
        path.write_text("half", "utf-8")
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011
        cache.get("base", key_of("1"), fail)

    def succeed(path: Path) -> None:
        path.write_text("whole", "utf-8")

    cache.get("base", key_of("1"), succeed)
    assert (tmp_path / f"base-{key_of('1')}.tar").read_text("utf-8") == "whole"


def test_the_key_of_a_tree_follows_content_names_and_modes(tmp_path: Path) -> None:
    file = tmp_path / "a/b.py"
    file.parent.mkdir()
    keys = []

    def note() -> None:
        keys.append(tree_key([tmp_path], tmp_path))

    file.write_text("1", "utf-8")
    note()
    file.write_text("2", "utf-8")
    note()
    file.chmod(0o755)
    note()
    file.rename(tmp_path / "a/c.py")
    note()
    (tmp_path / "link").symlink_to("a")
    note()
    assert len(set(keys)) == len(keys)
    (tmp_path / "a/__pycache__").mkdir()
    (tmp_path / "a/__pycache__/c.pyc").touch()
    note()
    assert keys[-1] == keys[-2]

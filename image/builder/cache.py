"""Finished steps, kept for the next build under the hash of everything that went into them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path


def default_folder() -> Path:
    """Below the user's cache folder: a base system takes long and outlives `make clean`."""
    return Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "luna-image"


def key_of(*parts: str) -> str:
    """A short name for all of `parts` together."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def tree_key(paths: Iterable[Path], root: Path) -> str:
    """A short name for the content and modes of these files and folders, caches left out."""
    digest = hashlib.sha256()
    for file in sorted({found for path in paths for found in _files(path)}):
        digest.update(f"{file.relative_to(root)}\0{file.lstat().st_mode & 0o111:o}\0".encode())
        content = bytes(file.readlink()) if file.is_symlink() else file.read_bytes()
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()[:16]


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return [
        file
        for file in path.rglob("*")
        if (file.is_symlink() or file.is_file()) and "__pycache__" not in file.parts
    ]


class Cache:
    """A folder of archives; only the newest of each kind is kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, kind: str, key: str, make: Callable[[Path], None]) -> Path:
        """The archive, made by `make(path)` if there is none yet."""
        archive = self._folder / f"{kind}-{key}.tar"
        if not archive.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            unfinished = archive.with_suffix(".part.tar")
            make(unfinished)
            for older in self._folder.glob(f"{kind}-{'?' * 16}.tar"):
                older.unlink()
            unfinished.rename(archive)
        return archive

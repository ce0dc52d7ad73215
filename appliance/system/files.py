"""Small files that survive a power cut: whole or not there at all."""

from __future__ import annotations

import os
from pathlib import Path


def write_durably(path: Path, data: bytes, mode: int = 0o644, group: int = -1) -> None:
    """Have `data` in `path`, whatever happens to the machine next. Raises OSError.

    Nobody sees a part of it, nor all of it before `mode` and `group` hold; -1 leaves the group.
    """
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:  # noqa: PTH123  (of a descriptor)
        file.write(data)
        file.flush()
        if group != -1:  # a sandbox forbids the call itself
            os.fchown(descriptor, -1, group)
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    new.replace(path)
    sync(path.parent)


def remove_durably(path: Path) -> None:
    """Have no file there, whatever happens to the machine next. Raises OSError."""
    if path.is_symlink() or path.exists():
        path.unlink()
        sync(path.parent)


def sync(path: Path) -> None:
    """Have a file's content, or the names in a folder, on the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

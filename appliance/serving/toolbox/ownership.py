"""Whether a tool may be trusted: nobody but root may have written it, or may change it."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from pathlib import Path

_ROOT = 0
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def folder_objection(folder: Path, trusted: Collection[int]) -> str | None:
    """Why tools of a resolved folder must not run; who may rename a parent may swap the folder."""
    for place in (folder, *folder.parents):
        status = place.lstat()
        # In a sticky folder nobody can rename what belongs to another (inode(7)).
        sticky = place != folder and bool(status.st_mode & stat.S_ISVTX)
        if reason := _objection(place, status, trusted, may_write=sticky):
            return reason
    return None


def file_objection(path: Path, trusted: Collection[int]) -> str | None:
    """Why the file must not run. Raises OSError if it is gone."""
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        return f"{path} is not a plain file; put the tool itself there, not a link to it."
    return _objection(path, status, trusted, may_write=False)


def _objection(
    path: Path, status: os.stat_result, trusted: Collection[int], *, may_write: bool
) -> str | None:
    if status.st_uid != _ROOT and status.st_uid not in trusted:
        return f"{path} belongs to user {status.st_uid}; a tool must be root's: chown root {path}"
    if status.st_mode & _OTHERS_WRITE and not may_write:
        return f"{path} can be changed by others than its owner: chmod go-w {path}"
    return None

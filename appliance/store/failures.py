"""What SQLite complains of, as our errors: each says what to do."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from appliance.errors import DiskFull, StorageFailed

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_REMEDIES = {
    sqlite3.SQLITE_READONLY: "let the user that runs Luna write to it and to its folder",
    sqlite3.SQLITE_CANTOPEN: "let the user that runs Luna write to its folder",
    sqlite3.SQLITE_PERM: "let the user that runs Luna write to it and to its folder",
    sqlite3.SQLITE_AUTH: "let the user that runs Luna write to it and to its folder",
    sqlite3.SQLITE_BUSY: "another process has been writing to it for long; try again",
    sqlite3.SQLITE_LOCKED: "another process has been writing to it for long; try again",
    sqlite3.SQLITE_IOERR: "the disk may be failing; look at the log of the kernel",
}


def translate(error: sqlite3.Error, path: Path) -> StorageFailed:
    """Our error for one of SQLite's; `path` is the file."""
    kind = _primary(error)
    if kind == sqlite3.SQLITE_FULL:
        return DiskFull(f"{path} cannot grow: the disk is full. Delete a model or other files.")
    if kind in _DAMAGED:
        return StorageFailed(f"{path} is damaged; restart Luna, which then begins a new one.")
    remedy = _REMEDIES.get(kind, "the log of Luna may say more")
    return StorageFailed(f"{path} cannot be used ({error}): {remedy}.")


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is broken."""
    return _primary(error) in _DAMAGED


def _primary(error: sqlite3.Error) -> int:
    """SQLite's primary result code: the lower byte of the extended one (sqlite.org/rescode)."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF

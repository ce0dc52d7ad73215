"""The schema, as numbered SQL files which are applied in order, each of them once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path


def shipped() -> tuple[str, ...]:
    """The scripts beside this module; `0001_….sql` is the first."""
    return tuple(path.read_text("utf-8") for path in sorted(Path(__file__).parent.glob("*.sql")))


def migrate(connection: sqlite3.Connection, scripts: Sequence[str]) -> None:
    """Apply the scripts that the file has not seen, in one transaction.

    The file's `user_version` is the number of those that it has seen. Where it has seen all of them
    nothing is written, so that a full disk can be read from. Raises sqlite3.Error, and FileIsNewer
    for a file that has seen more scripts than there are.
    """
    if _seen(connection) == len(scripts):
        return
    connection.execute("BEGIN IMMEDIATE")  # two processes may open a new file at once
    try:
        seen = _seen(connection)
        if seen > len(scripts):
            raise FileIsNewer
        for script in scripts[seen:]:
            for statement in statements(script):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(scripts)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite itself undoes some failures
            connection.execute("ROLLBACK")
        raise


def _seen(connection: sqlite3.Connection) -> int:
    (seen,) = connection.execute("PRAGMA user_version").fetchone()
    return int(seen)


def statements(script: str) -> Iterator[str]:
    """The statements of a script, whole; `executescript` would commit before the first one."""
    held = ""
    for line in script.splitlines(keepends=True):
        held += line
        if sqlite3.complete_statement(held):
            yield held
            held = ""


class FileIsNewer(Exception):
    """A later version of Luna wrote the file."""

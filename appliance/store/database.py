"""The door to SQLite: one file, many readers at once, one writer at a time.

The journal is a write-ahead log (sqlite.org/wal.html), so that readers never wait for the writer.
`synchronous` is FULL: a commit is on the disk when it returns, also if the power goes a moment
later. That costs flash one sync of a few kilobytes a commit, so what changes all the time, such as
the progress of a download, is not for this file.
"""

from __future__ import annotations

import fcntl
import logging
import os
import queue
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from appliance.errors import StorageFailed
from appliance.store.failures import is_damage, translate
from appliance.store.migrations import FileIsNewer, migrate, shipped

_log = logging.getLogger(__name__)
_BUSY_SECONDS = 10.0  # another process (the command line) holds the file for moments only
_SPARE_READERS = 4
_SETTINGS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    f"PRAGMA journal_size_limit = {4 * 2**20}",
)


class Database:
    """The store in the file `path`, which is opened, and made if need be, by the first use.

    Until it can be opened every use tries again and raises StorageFailed: a full disk keeps the
    server from remembering, not from starting. A damaged file is set aside and begun anew.
    """

    def __init__(self, path: Path, scripts: Sequence[str] | None = None) -> None:
        self.path = path
        self._scripts = scripts
        self._opening = threading.Lock()
        self._writes = threading.Lock()
        self._writer: sqlite3.Connection | None = None
        self._readers: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue(_SPARE_READERS)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that may write, committed at the end of the block, undone by an exception.

        Others wait for it: keep the block short, and never ask for another one inside.
        """
        with self._writes, self._translating():
            writer = self._opened()
            with _transaction(writer, "BEGIN IMMEDIATE"):
                yield writer

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A transaction that only reads, and sees the file as it was at its first read."""
        with self._translating():
            self._opened()
            reader = self._reader()
            try:
                with _transaction(reader, "BEGIN"):
                    yield reader
            finally:
                self._give_back(reader)

    def close(self) -> None:
        """Close the file when the writer of this moment is done; a later use opens it again."""
        with self._writes, self._opening:
            while not self._readers.empty():
                self._readers.get_nowait().close()
            if self._writer is not None:
                self._writer.close()
                self._writer = None

    def _opened(self) -> sqlite3.Connection:
        with self._opening:
            if self._writer is None:
                self._writer = self._open()
            return self._writer

    def _reader(self) -> sqlite3.Connection:
        try:
            return self._readers.get_nowait()
        except queue.Empty:
            connection = _connect(self.path)
            connection.execute("PRAGMA query_only = ON")
            return connection

    def _give_back(self, reader: sqlite3.Connection) -> None:
        with self._opening:
            if self._writer is not None and not self._readers.full():
                self._readers.put_nowait(reader)
                return
        reader.close()

    def _open(self) -> sqlite3.Connection:
        touch(self.path)
        with _alone_in(self.path.parent):
            return self._open_or_begin_anew()

    def _open_or_begin_anew(self) -> sqlite3.Connection:
        try:
            return self._open_whole()
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
        aside = self.path.with_name(f"{self.path.name}.damaged")
        _log.error("%s is damaged; it is kept as %s, and a new one begins", self.path, aside)
        self.path.replace(aside)
        for rest in ("-wal", "-shm"):
            self.path.with_name(self.path.name + rest).unlink(missing_ok=True)
        touch(self.path)
        return self._open_whole()

    def _open_whole(self) -> sqlite3.Connection:
        connection = _connect(self.path)
        try:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise _damage(verdict)
            migrate(connection, shipped() if self._scripts is None else self._scripts)
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise translate(error, self.path) from error
        except FileIsNewer as error:
            raise StorageFailed(
                f"{self.path} was written by a newer Luna: install that again, or move the file "
                "away."
            ) from error


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Have other processes wait that open a database there.

    Two at once would both turn a new file to write-ahead logging, for which SQLite does not wait
    but fails, or both set a damaged one aside, the second the first one's new one.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _connect(path: Path) -> sqlite3.Connection:
    # Each connection is used by one thread at a time, not always by the same.
    connection = sqlite3.connect(
        path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        for setting in _SETTINGS:
            connection.execute(setting)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite itself undoes some failures
            connection.execute("ROLLBACK")
        raise


def touch(path: Path) -> None:
    """Make the file, for its owner's eyes only: SQLite gives its other files the same mode."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StorageFailed(
            f"{path} cannot be opened: {error.strerror}. Let the user that runs Luna write to its "
            "folder, or name another with --data-dir."
        ) from error


def _damage(verdict: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(verdict)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error

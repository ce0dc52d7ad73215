from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from appliance.errors import DiskFull, StorageFailed
from appliance.store.database import Database
from appliance.store.failures import translate

SCRIPTS = ("CREATE TABLE t (n INTEGER PRIMARY KEY) STRICT;",)


def numbers(database: Database) -> list[int]:
    with database.reading() as connection:
        return [n for (n,) in connection.execute("SELECT n FROM t ORDER BY n")]


def add(database: Database, *new: int) -> None:
    with database.writing() as connection:
        connection.executemany("INSERT INTO t VALUES (?)", [(n,) for n in new])


def test_what_was_written_is_there_after_it_was_closed(tmp_path: Path) -> None:
    database = Database(tmp_path / "deep" / "x.db", SCRIPTS)
    add(database, 1, 2)
    database.close()
    assert numbers(database) == [1, 2]
    database.close()
    assert (tmp_path / "deep" / "x.db").stat().st_mode & 0o777 == 0o600


def test_an_exception_undoes_all_of_the_block(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.db", SCRIPTS)
    with pytest.raises(StorageFailed, match="UNIQUE"):
        add(database, 1, 1)
    assert numbers(database) == []
    add(database, 2)
    assert numbers(database) == [2]
    database.close()


def test_readers_neither_wait_for_the_writer_nor_see_half_of_its_work(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.db", SCRIPTS)
    seen: list[list[int]] = []
    with database.writing() as connection:
        connection.execute("INSERT INTO t VALUES (1)")
        reader = threading.Thread(target=lambda: seen.append(numbers(database)))
        reader.start()
        reader.join(30)
        connection.execute("INSERT INTO t VALUES (2)")
    assert seen == [[]]
    assert numbers(database) == [1, 2]
    database.close()


def test_a_reader_sees_one_moment(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.db", SCRIPTS)
    with database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)
        add(database, 1)
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)
    assert numbers(database) == [1]
    database.close()


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.db", SCRIPTS)
    with pytest.raises(StorageFailed), database.reading() as connection:
        connection.execute("INSERT INTO t VALUES (1)")
    assert numbers(database) == []
    database.close()


def test_many_threads_write_in_turn(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.db", SCRIPTS)

    def count(thread: int) -> None:
        for n in range(20):
            add(database, thread * 100 + n)
            numbers(database)

    threads = [threading.Thread(target=count, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(numbers(database)) == 160
    database.close()


_TWO_PROCESSES = """
import sys
from pathlib import Path
from appliance.store.database import Database
database = Database(Path(sys.argv[1]), [sys.argv[2]])
print(flush=True)
sys.stdin.readline()
for n in range(int(sys.argv[3]), int(sys.argv[3]) + 50):
    with database.writing() as connection:
        connection.execute("INSERT INTO t VALUES (?)", (n,))
"""


@pytest.mark.parametrize("content", [None, b"nonsense" * 1000], ids=["new", "damaged"])
def test_two_processes_share_a_file(tmp_path: Path, content: bytes | None) -> None:
    for n in range(5):  # they begin at one moment, which is worst for a file that is not set up
        path = tmp_path / f"{n}" / "x.db"
        path.parent.mkdir()
        if content is not None:
            path.write_bytes(content)
        command = [sys.executable, "-c", _TWO_PROCESSES, str(path), *SCRIPTS]
        pipe = subprocess.PIPE
        both = [
            subprocess.Popen([*command, start], stdin=pipe, stdout=pipe) for start in ("0", "1000")
        ]
        for process in both:
            assert process.stdout is not None
            process.stdout.readline()
        for process in both:
            assert process.stdin is not None
            process.stdin.close()
        assert [process.wait(60) for process in both] == [0, 0]
        for process in both:
            assert process.stdout is not None
            process.stdout.close()
        database = Database(path, SCRIPTS)
        assert len(numbers(database)) == 100
        database.close()


@pytest.mark.parametrize("damage", ["not a database" * 400, ""])
def test_a_damaged_file_is_set_aside(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "x.db"
    database = Database(path, SCRIPTS)
    add(database, *range(2000))
    database.close()
    whole = path.read_bytes()
    path.write_bytes(damage.encode() or whole[:4096] + b"\x55" * (len(whole) - 4096))
    assert numbers(database) == []
    assert "damaged" in caplog.text
    assert (tmp_path / "x.db.damaged").stat().st_size > 4096
    add(database, 1)
    database.close()


def test_a_file_of_the_future_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    newer = Database(path, (*SCRIPTS, "CREATE TABLE later (n);"))
    add(newer, 1)
    newer.close()
    with pytest.raises(StorageFailed, match="newer"):
        numbers(Database(path, SCRIPTS))
    assert numbers(newer) == [1]
    newer.close()


def test_a_folder_that_cannot_be_made_is_named_until_it_can(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("in the way")
    database = Database(tmp_path / "f" / "x.db", SCRIPTS)
    with pytest.raises(StorageFailed, match="--data-dir"):
        add(database, 1)
    (tmp_path / "f").unlink()
    add(database, 1)
    database.close()


def test_a_full_disk_is_told_as_such_and_what_was_written_stays(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.db", SCRIPTS)
    add(database, 1)
    with database.writing() as connection:
        connection.execute("PRAGMA max_page_count = 2")
    with pytest.raises(DiskFull, match="Delete"):
        add(database, *range(2, 5000))
    assert numbers(database) == [1]
    database.close()


def test_every_failure_names_the_file_and_a_remedy(tmp_path: Path) -> None:
    for code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR_WRITE, 1):
        error = sqlite3.OperationalError("it did not work")
        error.sqlite_errorcode = code
        told = translate(error, tmp_path / "x.db").message
        assert str(tmp_path / "x.db") in told
        assert told.count(":") >= 1

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from appliance.store import migrations
from appliance.store.migrations import migrate, statements


def version(connection: sqlite3.Connection) -> int:
    (number,) = connection.execute("PRAGMA user_version").fetchone()
    return int(number)


@pytest.fixture
def connection() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None)


def test_the_scripts_are_numbered_without_a_gap() -> None:
    names = sorted(path.name for path in Path(migrations.__file__).parent.glob("*.sql"))
    assert [name[:5] for name in names] == [f"{n:04}_" for n in range(1, len(names) + 1)]
    assert all(re.fullmatch(r"\d{4}_[a-z_]+\.sql", name) for name in names)


def test_the_shipped_scripts_apply_once(connection: sqlite3.Connection) -> None:
    scripts = migrations.shipped()
    migrate(connection, scripts)
    migrate(connection, scripts)
    assert version(connection) == len(scripts)
    connection.close()


def test_only_what_is_new_is_applied(connection: sqlite3.Connection) -> None:
    first = "CREATE TABLE a (n);\nINSERT INTO a VALUES (1);"
    migrate(connection, [first])
    migrate(connection, [first, "INSERT INTO a VALUES (2);"])
    assert connection.execute("SELECT count(*) FROM a").fetchone() == (2,)
    connection.close()


def test_where_nothing_is_new_nothing_is_written(connection: sqlite3.Connection) -> None:
    scripts = migrations.shipped()
    migrate(connection, scripts)
    connection.execute("PRAGMA query_only = ON")  # as on a full disk
    migrate(connection, scripts)
    connection.close()


def test_a_script_that_fails_leaves_no_trace(connection: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, ["CREATE TABLE a (n);\nCREATE TABLE b (n);\nNONSENSE;"])
    assert connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,)
    assert version(connection) == 0
    connection.close()


def test_statements_are_whole() -> None:
    script = (
        "-- one; two\nCREATE TABLE a (n);\n"
        "CREATE TRIGGER t AFTER INSERT ON a BEGIN\n  DELETE FROM a;\nEND;\nSELECT 1;\n"
    )
    assert len(list(statements(script))) == 3

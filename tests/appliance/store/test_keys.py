from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.domain.keys import EVERYTHING, digest, new_secret
from appliance.errors import BadRequest, NotFound, StorageFailed
from appliance.store.database import Database
from appliance.store.keys import CurrentKeys, Keys


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "x.db")
    yield database
    database.close()


class Counting(Keys):
    """Knows how often it was asked for all keys."""

    asked = 0

    def all(self) -> tuple:  # type: ignore[type-arg]
        self.asked += 1
        return super().all()


def far_ahead() -> int:
    """A clock to which every file is old."""
    return 2**62


def test_keys_come_and_go(database: Database) -> None:
    keys = Keys(database, clock=lambda: 7.0)
    keys.add("phone", ["inference"], digest("a"))
    keys.add("owner", ["admin", "inference"], digest("b"))
    assert [(each.key.name, each.made) for each in keys.all()] == [("owner", 7.0), ("phone", 7.0)]
    assert keys.all()[0].key.scopes == EVERYTHING
    keys.revoke("owner")
    assert [each.key.name for each in keys.all()] == ["phone"]


def test_names_are_given_once(database: Database) -> None:
    keys = Keys(database)
    keys.add("phone", ["inference"], digest("a"))
    with pytest.raises(BadRequest, match="'phone' already"):
        keys.add("phone", ["admin"], digest("b"))
    with pytest.raises(NotFound, match="no key 'tablet'"):
        keys.revoke("tablet")


def test_the_file_does_not_contain_the_secret(database: Database, tmp_path: Path) -> None:
    secret = new_secret()
    Keys(database).add("phone", ["inference"], digest(secret))
    database.close()
    assert b"phone" in (tmp_path / "x.db").read_bytes()
    assert secret.encode() not in (tmp_path / "x.db").read_bytes()


def test_without_a_file_there_are_no_keys_and_none_is_made(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    assert not CurrentKeys(Keys(Database(file)), file).ring().closes_inference
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_on_a_full_disk_has_no_keys(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    file.touch()
    keys = Counting(Database(file))
    assert not CurrentKeys(keys, file, far_ahead).ring().has_admin
    assert keys.asked == 0


def test_looks_cost_no_sql(database: Database, tmp_path: Path) -> None:
    keys = Counting(database)
    keys.add("phone", ["inference"], digest("a"))
    current = CurrentKeys(keys, tmp_path / "x.db", clock=far_ahead)
    for _ in range(100):
        assert current.ring().find("a")
    assert keys.asked <= 2  # the first look may itself make the journal


def test_a_change_counts_at_once(database: Database, tmp_path: Path) -> None:
    keys = Keys(database)
    current = CurrentKeys(keys, tmp_path / "x.db")
    for number in range(30):
        keys.add(f"key {number}", ["inference"], digest(str(number)))
        assert current.ring().find(str(number))
        keys.revoke(f"key {number}")
        assert current.ring().find(str(number)) is None


def test_a_change_is_told(database: Database, tmp_path: Path) -> None:
    told: list[bool] = []
    keys = Keys(database)
    current = CurrentKeys(
        keys, tmp_path / "x.db", changed=lambda ring: told.append(ring.closes_inference)
    )
    current.ring()
    assert told[-1:] == [False]
    keys.add("phone", ["inference"], digest("a"))
    current.ring()
    assert told[-1:] == [True]


def test_a_change_by_another_process_counts_at_once(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    current = CurrentKeys(Keys(database), file)
    assert current.ring().find("a") is None
    program = (
        "import sys; from pathlib import Path; from appliance.domain.keys import digest;"
        "from appliance.store.database import Database; from appliance.store.keys import Keys;"
        "Keys(Database(Path(sys.argv[1]))).add('phone', ['admin'], digest('a'))"
    )
    subprocess.run([sys.executable, "-c", program, file], check=True)
    assert current.ring().find("a")
    assert current.ring().has_admin


def test_a_folder_in_place_of_the_file_opens_nothing(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    file.mkdir()
    with pytest.raises(StorageFailed):
        CurrentKeys(Keys(Database(file)), file).ring()


def test_keys_that_are_lost_leave_the_models_closed(database: Database) -> None:
    keys = Keys(database)
    keys.add("phone", ["inference"], digest("a"))
    database.close()
    database.path.write_bytes(b"no database" * 500)
    ring = CurrentKeys(keys, database.path).ring
    assert ring().find("a") is None
    assert ring().closes_inference
    keys.add("tablet", ["inference"], digest("b"))
    keys.revoke("tablet")
    assert not ring().closes_inference


def test_a_key_to_administer_with_closes_no_models(database: Database) -> None:
    keys = Keys(database)
    keys.add("owner", ["admin"], digest("a"))
    assert not CurrentKeys(keys, database.path).ring().closes_inference
    assert not keys.closed.exists()

from __future__ import annotations

from pathlib import Path

from appliance.domain.keys import digest
from appliance.store.database import Database
from appliance.store.first_key import take_in
from appliance.store.keys import Keys
from appliance.system import first_key
from appliance.system.first_key import FirstKey


def test_it_is_known_once_and_may_be_revoked_for_good(tmp_path: Path) -> None:
    database = Database(tmp_path / "luna.db")
    keys = Keys(database)
    take_in(tmp_path, keys)
    assert not database.path.exists(), "nothing is made for nothing"
    first_key.hand_over(tmp_path, FirstKey("owner", digest("luna_secret").hex()))
    take_in(tmp_path, keys)
    (kept,) = keys.all()
    assert kept.key.scopes == {"admin"}
    assert kept.key.digest == digest("luna_secret")
    keys.revoke("owner")
    take_in(tmp_path, keys)
    assert keys.all() == ()
    database.close()


def test_a_start_that_was_cut_off_is_no_trouble(tmp_path: Path) -> None:
    database = Database(tmp_path / "luna.db")
    keys = Keys(database)
    for _ in range(2):
        first_key.hand_over(tmp_path, FirstKey("owner", digest("luna_secret").hex()))
        take_in(tmp_path, keys)
    assert len(keys.all()) == 1
    assert first_key.handed(tmp_path) is None
    database.close()


def test_without_a_database_it_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "luna.db").mkdir()
    database = Database(tmp_path / "luna.db")
    first_key.hand_over(tmp_path, FirstKey("owner", digest("luna_secret").hex()))
    take_in(tmp_path, Keys(database))
    assert first_key.handed(tmp_path) is not None
    database.close()

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.models.hub.hub import Hub
from appliance.models.hub.shelf import Shelf
from appliance.store.database import Database
from appliance.store.downloads import OfferRows
from tests.helpers.hub import FakeHub
from tests.helpers.wire import eventually

REPOS = ["ann/one", "ann/none", "ann/two"]


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub({"ann/one": {"a.gguf": b"a"}, "ann/two": {"b.gguf": b"b"}}) as hub:
        yield hub


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "x.db")
    yield database
    database.close()


class Clock:
    def __init__(self) -> None:
        self.now = 1e9

    def __call__(self) -> float:
        return self.now


def names(shelf: Shelf) -> list[str]:
    return [repository.name for repository in shelf.repositories()]


def test_the_hub_is_asked_once_and_then_remembered(hub: FakeHub, database: Database) -> None:
    clock = Clock()
    shelf = Shelf(Hub(hub.url), OfferRows(database), REPOS, clock)
    assert names(shelf) == []
    eventually(lambda: names(shelf) == ["ann/one", "ann/two"], "the hub's answer")
    shelf.close()
    asked = len(hub.asked)
    again = Shelf(Hub(hub.url), OfferRows(database), ["ann/one", "ann/two"], clock)
    assert names(again) == ["ann/one", "ann/two"]
    again.close()
    assert len(hub.asked) == asked


def test_what_is_known_stays_when_the_hub_is_gone(hub: FakeHub, database: Database) -> None:
    clock = Clock()
    shelf = Shelf(Hub(hub.url), OfferRows(database), ["ann/one"], clock)
    eventually(lambda: names(shelf) == ["ann/one"])
    shelf.close()
    clock.now += 1e6
    gone = Shelf(Hub("http://127.0.0.1:9"), OfferRows(database), ["ann/one"], clock)
    assert names(gone) == ["ann/one"]
    gone.close()


def test_a_list_that_was_shortened_forgets_the_others(hub: FakeHub, database: Database) -> None:
    clock = Clock()
    shelf = Shelf(Hub(hub.url), OfferRows(database), REPOS, clock)
    eventually(lambda: len(names(shelf)) == 2)
    shelf.close()
    clock.now += 1e6
    shorter = Shelf(Hub(hub.url), OfferRows(database), ["ann/two"], clock)
    assert names(shorter) == ["ann/two"]
    eventually(lambda: list(OfferRows(database).all()) == ["ann/two"])
    shorter.close()


def test_a_record_of_another_version_is_nothing(hub: FakeHub, database: Database) -> None:
    clock = Clock()
    OfferRows(database).put("ann/one", '{"old": true}', clock.now)
    shelf = Shelf(Hub(hub.url), OfferRows(database), ["ann/one"], clock)
    assert names(shelf) == []
    shelf.close()


def test_without_any_repository_nobody_is_asked(hub: FakeHub, database: Database) -> None:
    shelf = Shelf(Hub(hub.url), OfferRows(database), [])
    assert names(shelf) == []
    shelf.close()
    assert hub.asked == []

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.store.database import Database
from appliance.store.responses import KeptResponse, KeptResponses


def turn(id: str, previous: str | None = None, owner: str = "", size: int = 10) -> KeptResponse:
    return KeptResponse(id, previous, owner, 1.5, b"[]", b"x" * (size - 2))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "luna.db")
    yield opened
    opened.close()


@pytest.fixture
def kept(database: Database) -> KeptResponses:
    return KeptResponses(database, 10, 1000)


def ids(turns: object) -> list[str]:
    assert isinstance(turns, tuple | list)
    return [each.id for each in turns]


def test_what_is_kept_is_found_again_later(database: Database, kept: KeptResponses) -> None:
    first = KeptResponse("a", None, "", 7.25, b'[{"x":1}]', b'{"y":2}')
    assert kept.any
    assert kept.keep(first)
    database.close()
    assert kept.find("a", "") == first
    assert kept.find("b", "") is None


def test_turns_are_those_before_and_no_others(kept: KeptResponses) -> None:
    for id, previous in [("a", None), ("b", "a"), ("x", None), ("c", "b"), ("other", "b")]:
        assert kept.keep(turn(id, previous))
    assert ids(kept.turns("c", "")) == ["a", "b", "c"]
    assert ids(kept.turns("other", "")) == ["a", "b", "other"]
    assert ids(kept.turns("x", "")) == ["x"]
    assert kept.turns("nobody", "") == ()


def test_nothing_goes_on_from_what_was_deleted(kept: KeptResponses) -> None:
    for id, previous in [("a", None), ("b", "a"), ("c", "b")]:
        kept.keep(turn(id, previous))
    assert kept.delete("b", "")
    assert not kept.delete("b", "")
    assert kept.turns("c", "") == ()
    assert ids(kept.turns("a", "")) == ["a"]
    assert kept.find("c", "") is not None
    assert not kept.keep(turn("d", "b"))  # it was deleted while d was being written
    assert kept.find("d", "") is None


def test_a_key_reads_its_own_and_what_no_key_made(kept: KeptResponses) -> None:
    kept.keep(turn("free"))
    kept.keep(turn("ann", owner="ann"))
    for reader, readable in [("", ["free"]), ("ann", ["free", "ann"]), ("bob", ["free"])]:
        assert [id for id in ("free", "ann") if kept.find(id, reader)] == readable
        assert [id for id in ("free", "ann") if kept.turns(id, reader)] == readable
    assert not kept.delete("ann", "bob")
    assert ids(kept.page("ann", 9, None, oldest_first=False)) == ["ann"]
    assert ids(kept.page("", 9, None, oldest_first=False)) == ["free"]


def test_pages(kept: KeptResponses) -> None:
    for id in "abcde":
        kept.keep(turn(id))
    assert ids(kept.page("", 2, None, oldest_first=False)) == ["e", "d"]
    assert ids(kept.page("", 2, "d", oldest_first=False)) == ["c", "b"]
    assert ids(kept.page("", 9, "d", oldest_first=True)) == ["e"]
    assert ids(kept.page("", 9, "nobody", oldest_first=True)) == []


def test_a_conversation_that_was_left_alone_goes_first(database: Database) -> None:
    kept = KeptResponses(database, 4, 1000)
    for id, previous in [("a", None), ("b", None), ("b2", "b"), ("a2", "a"), ("new", None)]:
        assert kept.keep(turn(id, previous))
    assert ids(kept.page("", 9, None, oldest_first=True)) == ["a", "a2", "new"]


def test_bytes_are_bounded_too(database: Database) -> None:
    kept = KeptResponses(database, 100, 100)
    assert kept.keep(turn("a", size=60))
    assert kept.keep(turn("b", size=60))
    assert kept.find("a", "") is None
    assert not kept.keep(turn("huge", size=101))
    assert not kept.keep(turn("b2", "b", size=60))  # its own conversation alone is too large
    assert ids(kept.page("", 9, None, oldest_first=True)) == ["b"]


def test_none_are_kept_where_none_may(database: Database) -> None:
    kept = KeptResponses(database, 0, 1000)
    assert not kept.any
    assert not kept.keep(turn("a"))


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(2, 40)), max_size=25))
def test_any_history_stays_within_its_bounds(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[int, int]]
) -> None:
    """Each step goes on from one of the last responses, or begins anew."""
    database = Database(tmp_path_factory.mktemp("store") / "luna.db")
    kept = KeptResponses(database, 6, 120)
    made: list[str] = []
    for number, (back, size) in enumerate(history):
        previous = made[-back] if 0 < back <= len(made) else None
        if kept.keep(turn(f"r{number}", previous, size=size)):
            made.append(f"r{number}")
            assert kept.turns(made[-1], "")[-1].id == made[-1]
        left = kept.page("", 99, None, oldest_first=True)
        assert len(left) <= 6
        assert sum(len(each.input) + len(each.answer) for each in left) <= 120
        for each in left:  # a conversation goes as a whole
            assert kept.turns(each.id, "")
    database.close()

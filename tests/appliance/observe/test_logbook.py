from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from appliance.observe import logbook
from appliance.observe.logbook import Logbook, LogEntry


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root, access = logging.getLogger(), logging.getLogger("luna.access")
    handlers, level, access_level = root.handlers[:], root.level, access.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    access.setLevel(access_level)


@pytest.mark.parametrize("verbose", [True, False])
@pytest.mark.parametrize("access", [True, False])
def test_the_log_goes_to_stderr(
    capsys: pytest.CaptureFixture[str], verbose: bool, access: bool
) -> None:
    logbook.set_up(verbose=verbose, access=access)
    logging.getLogger("luna.access").info("a request")
    logging.getLogger("appliance.x").debug("a detail")
    logging.getLogger("appliance.x").warning("a warning")
    said = capsys.readouterr()
    assert ("a request" in said.err) is access
    assert ("a detail" in said.err) is verbose
    assert " W appliance.x: a warning" in said.err
    assert said.out == ""


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    """A logger of its own, below which nothing is filtered."""
    logger = logging.getLogger("appliance.test_logbook")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    yield logger
    logger.handlers.clear()
    logger.propagate = True
    logger.setLevel(logging.NOTSET)


def kept(book: Logbook) -> list[str]:
    return [entry.message for entry in book.entries()]


def test_the_logbook_keeps_what_was_logged(log: logging.Logger) -> None:
    book = Logbook()
    log.addHandler(book)
    log.debug("a")
    log.info("%s of %d", "b", 2)
    log.warning("c")
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        log.exception("d")
    log.critical("e")
    entries = book.entries()
    assert kept(book) == ["a", "b of 2", "c", "d", "e"]
    assert [entry.level for entry in entries] == ["debug", "info", "warn", "error", "error"]
    assert {entry.service for entry in entries} == {"test_logbook"}
    assert [entry.stack is None for entry in entries] == [True, True, True, False, True]
    assert "RuntimeError: broken" in (entries[3].stack or "")
    assert sorted(entry.timestamp for entry in entries) == [entry.timestamp for entry in entries]


def test_entries_by_level_time_and_number(log: logging.Logger) -> None:
    book = Logbook()
    log.addHandler(book)
    for number in range(10):
        log.log(logging.ERROR if number % 2 else logging.INFO, "%d", number)
    assert [entry.message for entry in book.entries(limit=3)] == ["7", "8", "9"]
    assert [entry.message for entry in book.entries({"error"}, limit=2)] == ["7", "9"]
    assert len(book.entries({"error", "info"})) == 10
    assert book.entries({"warn"}) == []
    at = book.entries()[4].timestamp
    assert all(entry.timestamp >= at for entry in book.entries(since=at))
    assert book.entries(since=at + 3600) == []


def test_the_logbook_is_bounded(log: logging.Logger) -> None:
    few, small = Logbook(entries=5), Logbook(room=100)
    log.addHandler(few)
    log.addHandler(small)
    for number in range(50):
        log.info("line number %d", number)
    assert kept(few) == [f"line number {number}" for number in range(45, 50)]
    assert 0 < sum(entry.size for entry in small.entries()) <= 100
    assert kept(small)[-1] == "line number 49"
    log.info("x" * 100_000)
    assert len(few.entries()[-1].message) == 2000
    assert small.entries() == [], "a line that is larger than all of the room"


def test_no_secret_gets_into_the_logbook(log: logging.Logger) -> None:
    book = Logbook()
    log.addHandler(book)
    log.info("asked with Authorization: Bearer Zx81SpectrumQl")
    log.info("%s Bearer Zx81SpectrumQl", "x" * 1990)
    try:
        raise RuntimeError("password=Zx81SpectrumQl")
    except RuntimeError:
        log.exception("failed")
    assert all("Zx81" not in f"{entry.message} {entry.stack}" for entry in book.entries())


def test_a_line_that_cannot_be_written_harms_nobody(
    log: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    book = Logbook()
    log.addHandler(book)
    log.info("%d", "no number")
    log.info("after it")
    assert kept(book) == ["after it"]


def test_who_listens_hears_each_line_and_may_read_all(log: logging.Logger) -> None:
    book = Logbook()
    log.addHandler(book)
    heard: list[tuple[LogEntry, int]] = []
    leave = book.news.listen(lambda entry: heard.append((entry, len(book.entries()))))
    log.info("a")
    leave()
    log.info("b")
    assert [(entry.message, count) for entry, count in heard] == [("a", 1)]

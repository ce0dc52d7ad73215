from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from appliance.errors import ReadingUnavailable
from appliance.http.dialects.wingman.news import News, Source
from tests.helpers.sockets import Kept
from tests.helpers.wire import eventually


class Told:
    """A source whose frames a test sets; `looks` counts how often it was asked."""

    def __init__(self, **frames: Any) -> None:
        self.frames: dict[str, Any] = frames
        self.looks = 0

    def __call__(self) -> Mapping[str, Any]:
        self.looks += 1
        return {name: {name: value} for name, value in self.frames.items()}


@contextmanager
def telling(*sources: Source, seconds: float = 0.05) -> Iterator[News]:
    news = News(sources, seconds)
    try:
        yield news
    finally:
        news.stop()


def heard(reader: Kept) -> list[Any]:
    return [json.loads(text) for text in reader.texts]


def test_a_newcomer_hears_everything_and_then_what_changes() -> None:
    first, second = Told(a=1), Told(b=2)
    with telling(first, second) as news:
        reader = Kept()
        news.join(reader)
        eventually(lambda: len(reader.texts) == 2)
        second.frames = {"b": 3, "c": 4}
        eventually(lambda: len(reader.texts) == 4)
        late = Kept()
        news.join(late)
        eventually(lambda: len(late.texts) == 3)
    assert heard(reader) == [{"a": 1}, {"b": 2}, {"b": 3}, {"c": 4}]
    assert heard(late) == [{"a": 1}, {"b": 3}, {"c": 4}]


def test_what_did_not_change_is_not_repeated() -> None:
    source = Told(a=1)
    with telling(source) as news:
        reader = Kept()
        news.join(reader)
        looks = source.looks
        eventually(lambda: source.looks > looks + 5)
    assert len(reader.texts) == 1


def test_many_changes_are_one_frame() -> None:
    source = Told(a=0)
    with telling(source, seconds=0.2) as news:
        reader = Kept()
        news.join(reader)
        eventually(lambda: reader.texts)
        for number in range(1, 1000):
            source.frames = {"a": number}
        eventually(lambda: heard(reader)[-1] == {"a": 999})
    assert len(reader.texts) <= 4


def test_nobody_looks_while_nobody_reads() -> None:
    source = Told(a=1)
    with telling(source) as news:
        reader, other = Kept(), Kept()
        news.join(reader)
        news.join(other)
        eventually(lambda: reader.texts and other.texts)
        news.leave(reader)
        news.leave(other)
        looks, clock = source.looks, Told()
        with telling(clock) as others:
            others.join(Kept())
            eventually(lambda: clock.looks > 5)
        assert source.looks <= looks + 1
        source.frames = {"a": 2}
        again = Kept()
        news.join(again)
        eventually(lambda: heard(again)[-1:] == [{"a": 2}])
    assert len(reader.texts) == 1


def test_a_source_that_has_nothing_to_tell_is_left_out() -> None:
    def silent() -> Mapping[str, Any]:
        raise ReadingUnavailable("There is no such thing here.")

    with telling(silent, Told(a=1)) as news:
        reader = Kept()
        news.join(reader)
        eventually(lambda: heard(reader) == [{"a": 1}])


def test_a_source_that_is_broken_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    broken = threading.Event()
    broken.set()

    def source() -> Mapping[str, Any]:
        if broken.is_set():
            raise RuntimeError("the source was asked to fail")
        return {"a": 1}

    with caplog.at_level(logging.CRITICAL), telling(source) as news:
        reader = Kept()
        news.join(reader)
        broken.clear()
        eventually(lambda: reader.texts == ["1"])


def test_the_last_news_are_told() -> None:
    source, reader = Told(status="ready"), Kept()
    news = News([source], 60.0)
    news.join(reader)
    eventually(lambda: reader.texts)
    source.frames = {"status": "stopping"}
    news.stop()
    assert heard(reader) == [{"status": "ready"}, {"status": "stopping"}]
    news.join(Kept())

from __future__ import annotations

from collections.abc import Generator

import pytest

from appliance.domain.events import Content, Finish, Usage
from appliance.errors import EngineError
from appliance.serving.answer import ChoiceEvent, EventStream

ITEMS = [ChoiceEvent(0, Content("a")), ChoiceEvent(0, Finish("stop", Usage()))]


def told(closed: list[bool]) -> Generator[ChoiceEvent]:
    try:
        yield from ITEMS
    finally:
        closed.append(True)


def test_the_first_event_is_not_lost() -> None:
    assert list(EventStream(told([]))) == ITEMS


def test_what_fails_before_the_first_event_is_raised_at_once() -> None:
    def fails() -> Generator[ChoiceEvent]:
        raise EngineError("no")
        yield ITEMS[0]

    with pytest.raises(EngineError):
        EventStream(fails())


def test_closing_ends_the_generation_at_any_time() -> None:
    closed: list[bool] = []
    stream = EventStream(told(closed))
    assert closed == []
    stream.close()
    stream.close()
    assert closed == [True]

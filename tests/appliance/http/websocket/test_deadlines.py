from __future__ import annotations

import pytest

from appliance.http.websocket.deadlines import Deadlines
from appliance.http.websocket.limits import SocketLimits

LIMITS = SocketLimits(
    messages=5,
    message_seconds=30,
    queue_seconds=20,
    ping_seconds=100,
    silent_seconds=200,
    close_seconds=3,
)


@pytest.fixture
def deadlines() -> Deadlines:
    return Deadlines(LIMITS, 0.0)


def code(deadlines: Deadlines, now: float) -> int | None:
    fault = deadlines.fault(now)
    return fault and fault[0]


def test_a_message_must_end_in_time(deadlines: Deadlines) -> None:
    deadlines.heard(10, 0, midway=True)
    deadlines.heard(39, 0, midway=True)
    assert code(deadlines, 40) is None
    assert code(deadlines, 41) == 1008
    deadlines.heard(41, 1, midway=False)
    assert code(deadlines, 90) is None


def test_each_message_has_its_own_time(deadlines: Deadlines) -> None:
    deadlines.heard(10, 0, midway=True)
    deadlines.heard(39, 1, midway=True)
    assert code(deadlines, 69) is None
    assert code(deadlines, 70) == 1008


def test_a_reader_must_take_something(deadlines: Deadlines) -> None:
    deadlines.sent(10, stuck=True)
    deadlines.sent(25, stuck=True)
    assert code(deadlines, 30) is None
    assert code(deadlines, 31) == 1008
    deadlines.sent(31, stuck=False)
    deadlines.sent(32, stuck=True)
    assert code(deadlines, 52) is None


def test_silence_is_asked_about_once_and_then_ends_it(deadlines: Deadlines) -> None:
    assert not deadlines.wants_ping(100)
    assert deadlines.wants_ping(101)
    assert not deadlines.wants_ping(150)
    assert code(deadlines, 200) is None
    assert code(deadlines, 201) == 1011
    deadlines.heard(201, 0, midway=False)
    assert code(deadlines, 401) is None
    assert not deadlines.wants_ping(301)
    assert deadlines.wants_ping(302)


def test_messages_are_counted_by_tens_of_seconds(deadlines: Deadlines) -> None:
    deadlines.heard(1, 5, midway=False)
    assert not deadlines.flooded
    deadlines.heard(9, 1, midway=False)
    assert deadlines.flooded
    deadlines.heard(10, 5, midway=False)
    assert not deadlines.flooded


def test_who_was_told_to_go_has_some_time_for_it(deadlines: Deadlines) -> None:
    assert not deadlines.is_over(1000)
    deadlines.parted(1000)
    deadlines.parted(1002)
    assert not deadlines.is_over(1002)
    assert deadlines.is_over(1003)

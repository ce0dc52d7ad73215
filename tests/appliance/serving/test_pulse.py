from __future__ import annotations

from collections.abc import Iterator

import pytest

from appliance.domain.events import Content, Event, Finish, Progress, Usage
from appliance.serving.pulse import Beat, Pulse
from tests.appliance.serving.library import Clock

END = Finish("stop", Usage())


@pytest.fixture
def clock() -> Clock:
    return Clock()


def engine(clock: Clock, *script: tuple[float, Event]) -> Iterator[Event]:
    """Each event after so many seconds."""
    for seconds, event in script:
        clock.now += seconds
        yield event


def test_nobody_waits_for_an_idle_engine(clock: Clock) -> None:
    assert Pulse(clock).beat() == Beat(0, None, 0)


def test_the_prompt_is_being_read(clock: Clock) -> None:
    pulse = Pulse(clock)
    seen = []

    def script() -> Iterator[Event]:
        clock.now += 7
        seen.append(pulse.beat())
        yield Progress(100, 300)
        clock.now += 2
        seen.append(pulse.beat())
        yield Content("a")
        clock.now += 3
        seen.append(pulse.beat())
        yield END

    assert list(pulse.watch(script(), 300))[-1] == END
    assert seen == [Beat(0, 7, 300), Beat(0, 2, 300), Beat(1, 3, 0)]
    assert pulse.beat() == Beat(1, None, 0)


def test_a_slow_reader_is_no_silent_engine(clock: Clock) -> None:
    pulse = Pulse(clock)
    events = pulse.watch(engine(clock, (1, Content("a")), (1, END)), 5)
    next(events)
    clock.now += 1000
    assert pulse.beat() == Beat(1, None, 0)
    events.close()


def test_a_run_that_is_closed_or_fails_is_over(clock: Clock) -> None:
    pulse = Pulse(clock)

    def broken() -> Iterator[Event]:
        yield Content("a")
        raise OSError

    with pytest.raises(OSError, match=r"^$"):
        list(pulse.watch(broken(), 5))
    closed = pulse.watch(engine(clock, (1, Content("a")), (1, END)), 5)
    next(closed)
    closed.close()
    assert pulse.beat() == Beat(2, None, 0)


def test_a_sign_of_life_for_one_is_one_for_all(clock: Clock) -> None:
    pulse = Pulse(clock)
    with pulse.working(40):
        clock.now += 9
        with pulse.working(70):
            clock.now += 4
            assert pulse.beat() == Beat(0, 4, 70)
        assert pulse.beat() == Beat(1, 13, 40)
    assert pulse.beat() == Beat(2, None, 0)

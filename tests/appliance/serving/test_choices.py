from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import NoReturn

import pytest

from appliance.domain.cancel import CancelToken
from appliance.domain.events import Content, Event, Finish, Usage
from appliance.errors import Cancelled, EngineDied, EngineError, ShuttingDown
from appliance.serving.answer import ChoiceEvent
from appliance.serving.choices import Maker, interleave

END = Finish("stop", Usage())


def says(*texts: str) -> Maker:
    return lambda cancel: iter([*(Content(text) for text in texts), END])


def waits_for_the_end(begun: threading.Event, ended: list[object]) -> Maker:
    """An engine that is silent until it is cancelled."""

    def run(cancel: CancelToken) -> Iterator[Event]:
        woken = threading.Event()
        with cancel.calling(woken.set):
            begun.set()
            assert woken.wait(10)
        ended.append(cancel.reason)
        cancel.check()
        yield END

    return run


def fails(cancel: CancelToken) -> Iterator[Event]:
    yield Content("begun")
    raise EngineDied("gone")


def choice_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("luna-choice")]


def test_one_choice_needs_no_thread() -> None:
    found = interleave([says("a", "b")], CancelToken())
    assert next(found) == ChoiceEvent(0, Content("a"))
    assert choice_threads() == []
    assert [item.event for item in found] == [Content("b"), END]


def test_several_choices_keep_their_own_order() -> None:
    makers = [says(*[f"{number}{letter}" for letter in "abc"]) for number in range(5)]
    found = list(interleave(makers, CancelToken()))
    for number in range(5):
        mine = [item.event for item in found if item.index == number]
        assert mine == [Content(f"{number}{letter}") for letter in "abc"] + [END]
    assert len(found) == 20
    assert choice_threads() == []


def test_they_run_side_by_side() -> None:
    both = threading.Barrier(2)

    def run(cancel: CancelToken) -> Iterator[Event]:
        both.wait(10)
        yield END

    assert len(list(interleave([run, run], CancelToken()))) == 2


def test_the_first_error_ends_all() -> None:
    ended: list[object] = []
    silent = waits_for_the_end(threading.Event(), ended)
    cancel = CancelToken()
    with pytest.raises(EngineDied):
        list(interleave([silent, fails, silent], cancel))
    assert len(ended) == 2
    assert all(isinstance(reason, Cancelled) for reason in ended)
    assert cancel.reason is None
    assert choice_threads() == []


def test_a_single_choices_error_is_raised() -> None:
    with pytest.raises(EngineDied):
        list(interleave([fails], CancelToken()))


def test_closing_early_ends_all() -> None:
    ended: list[object] = []
    begun = threading.Event()
    found = interleave([says("a"), waits_for_the_end(begun, ended)], CancelToken())
    assert next(found) == ChoiceEvent(0, Content("a"))
    assert begun.wait(10)
    found.close()
    assert len(ended) == 1
    assert choice_threads() == []


def test_the_callers_reason_reaches_each_choice() -> None:
    ended: list[object] = []
    begun = threading.Event()
    cancel, reason = CancelToken(), ShuttingDown("bye")
    silent = waits_for_the_end(begun, ended)
    found = interleave([says("a"), silent], cancel)
    next(found)
    assert begun.wait(10)
    cancel.cancel(reason)
    with pytest.raises(ShuttingDown):
        list(found)
    assert ended == [reason]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_of_ours_is_told_as_an_engine_error() -> None:
    def broken(cancel: CancelToken) -> NoReturn:
        raise KeyError("a bug")

    with pytest.raises(EngineError, match="the log has the details"):
        list(interleave([says("a"), broken], CancelToken()))
    assert choice_threads() == []

from __future__ import annotations

from appliance.domain.events import Timings
from appliance.errors import ReadingUnavailable
from appliance.observe.runs import Run, Runs

TIMINGS = Timings(1, 2, 3, 4)


def test_the_last_run_is_kept() -> None:
    runs = Runs(lambda pid: 1000 * pid)
    assert runs.last() is None
    runs.finished("one", TIMINGS, 3)
    runs.finished("two", TIMINGS, 4)
    assert runs.last() == Run("two", TIMINGS, 4000)


def test_an_engine_without_a_process_has_no_memory() -> None:
    runs = Runs(lambda pid: pid)
    runs.finished("one", TIMINGS, None)
    assert runs.last() == Run("one", TIMINGS, 0)


def test_a_process_that_is_gone_is_no_reason_to_fail() -> None:
    def gone(pid: int) -> int:
        raise ReadingUnavailable("it ended")

    runs = Runs(gone)
    runs.finished("one", TIMINGS, 3)
    assert runs.last() == Run("one", TIMINGS, 0)

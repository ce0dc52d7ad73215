from __future__ import annotations

from itertools import count

from appliance.domain.events import Finish, Timings, Usage
from appliance.http.stopwatch import Stopwatch, Times

STEP = 1_000_000


def test_what_the_engine_does_not_tell_is_measured() -> None:
    watch = Stopwatch(count(0, STEP).__next__)
    watch.piece()
    watch.piece()
    assert watch.times(Finish("stop", Usage())) == Times(2 * STEP, STEP, STEP, STEP)


def test_without_a_piece_all_of_it_was_reading() -> None:
    watch = Stopwatch(count(0, STEP).__next__)
    assert watch.times(Finish("stop", Usage())) == Times(STEP, STEP, STEP, 0)


def test_the_engine_knows_its_phases_better() -> None:
    watch = Stopwatch(count(0, STEP).__next__)
    watch.piece()
    finish = Finish("stop", Usage(), Timings(1, 0.25, 1, 0.5))
    assert watch.times(finish) == Times(2 * STEP, STEP, STEP // 4, STEP // 2)
    assert watch.total == 3 * STEP

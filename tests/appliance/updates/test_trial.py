"""When a new system is trusted and when it is left, whatever its services do."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from appliance.updates.trial import WELL_SECONDS, Trial, Verdict

ILL = ("luna-api is failed",)
looks = st.lists(st.tuples(st.floats(0.1, 60), st.booleans()), min_size=1, max_size=100)


def judged(trial: Trial, steps: Sequence[tuple[float, bool]]) -> tuple[Verdict, float]:
    now = 0.0
    for wait, well in steps:
        now += wait
        verdict = trial.look(now, () if well else ILL)
        if verdict is not Verdict.WAIT:
            return verdict, now
    return Verdict.WAIT, now


def test_a_system_that_is_well_is_trusted_soon() -> None:
    verdict, when = judged(Trial(way_back=True), [(40, False), *[(5, True)] * 20])
    assert verdict is Verdict.TRUST
    assert when == 45 + WELL_SECONDS


def test_a_service_that_falls_over_and_over_is_not_well() -> None:
    steps = [(5, True), (5, True), (5, False)] * 100
    assert judged(Trial(way_back=True), steps)[0] is Verdict.GO_BACK


def test_a_sick_system_is_left_within_a_quarter_of_an_hour() -> None:
    verdict, when = judged(Trial(way_back=True), [(2, False)] * 1000)
    assert verdict is Verdict.GO_BACK
    assert when < 15 * 60 - 120


def test_a_start_that_took_long_is_no_illness() -> None:
    trial = Trial(way_back=True)
    assert trial.look(5000, ILL) is Verdict.WAIT
    assert judged(trial, [(5001, True), (30, True)])[0] is Verdict.TRUST


@given(looks)
def test_without_a_way_back_nothing_is_left(steps: list[tuple[float, bool]]) -> None:
    assert judged(Trial(way_back=False), [*steps, (2000, False)])[0] is not Verdict.GO_BACK


@given(looks)
def test_nothing_is_trusted_that_was_never_well_for_long(steps: list[tuple[float, bool]]) -> None:
    verdict, _ = judged(Trial(way_back=True), steps)
    if verdict is Verdict.TRUST:
        assert any(well for _, well in steps)
    if not any(well for _, well in steps):
        assert verdict is not Verdict.TRUST


@given(looks)
def test_it_always_comes_to_an_end(steps: list[tuple[float, bool]]) -> None:
    patience = 30.0
    trial = Trial(way_back=True, patience=patience)
    verdict, when = judged(trial, [*steps, *[(5, steps[-1][1])] * 20])
    assert verdict is not Verdict.WAIT or when < steps[0][0] + patience + WELL_SECONDS

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.mdns.pace import Budget, Settling


def test_one_change_is_acted_on_soon() -> None:
    assert Settling(0.05, 0.25).due(10.0, 10.0) == pytest.approx(10.05)


def test_changes_without_end_do_not_put_it_off() -> None:
    assert Settling(0.05, 0.25).due(10.0, 10.24) == pytest.approx(10.25)


def test_a_burst_is_free_then_it_waits() -> None:
    budget = Budget(burst=2, interval=6.0)
    for _ in range(2):
        assert budget.delay(100.0) == 0
        budget.spend(100.0)
    assert budget.delay(100.0) == pytest.approx(6.0)
    assert budget.delay(103.0) == pytest.approx(3.0)
    assert budget.delay(106.0) == 0


def test_it_recovers() -> None:
    budget = Budget(burst=2, interval=6.0)
    budget.spend(0.0)
    assert not budget.untouched(5.9)
    assert budget.untouched(6.0)


@given(st.lists(st.floats(0, 30), max_size=200))
def test_actions_in_a_minute_are_bounded(pauses: list[float]) -> None:
    budget, now, done = Budget(burst=6, interval=6.0), 0.0, []
    for pause in pauses:
        now += pause
        now += budget.delay(now)
        budget.spend(now)
        done.append(now)
    for start in done:
        assert sum(start <= each < start + 59.99 for each in done) <= 16

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.observe.tallies import Spread, Spreads, Tally

BOUNDS = (0.1, 1.0, 10.0)


def test_a_tally_sums_by_labels() -> None:
    tally = Tally()
    tally.add("a", "x")
    tally.add("a", "x", amount=2.5)
    tally.add("a", "b")
    assert list(tally) == [(("a", "b"), 1.0), (("a", "x"), 3.5)]
    assert tally.total() == 4.5


def test_no_count_is_lost_between_threads() -> None:
    tally = Tally()

    def count() -> None:
        for _ in range(2000):
            tally.add("a")

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tally.total() == 16000


@given(st.lists(st.floats(0, 100)))
def test_buckets_count_what_is_not_above_their_bound(values: list[float]) -> None:
    spread = Spread(BOUNDS)
    for value in values:
        spread.add(value)
    counts = {
        name: sum(value <= bound for value in values)
        for name, bound in zip(("0.1", "1", "10"), BOUNDS, strict=True)
    }
    assert spread.buckets() == [*counts.items(), ("+Inf", len(values))]
    assert spread.sum == pytest.approx(sum(values))


def test_spreads_are_kept_by_labels_and_merged() -> None:
    spreads, more = Spreads(BOUNDS), Spread(BOUNDS)
    spreads.add("a", value=0.5)
    for value in (0.05, 20.0):
        more.add(value)
    spreads.merge("a", more=more)
    spreads.merge("b", more=more)
    found = {labels: (buckets, total) for labels, buckets, total in spreads}
    assert found["a",][0] == [("0.1", 1), ("1", 2), ("10", 2), ("+Inf", 3)]
    assert found["a",][1] == 20.55
    assert found["b",][0][-1] == ("+Inf", 2)

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.cli.bench.figures import compare, figures, percentile
from appliance.cli.bench.load import Round, Sample


def sample(begun: float, *pieces: float, tokens: int = 0, problem: str = "") -> Sample:
    return Sample(begun, pieces, 100, tokens or len(pieces), problem)


def test_one_client() -> None:
    found = figures([Round((sample(10.0, 10.5, 11.0, 11.5, 12.5),), 0.25)])
    assert (found.clients, found.requests, found.failures) == (1, 1, 0)
    assert found.throughput == 4 / 2.5
    assert found.generation == 3 / 2.0
    assert found.prefill == 100 / 0.5
    assert (found.first_p50, found.first_p99) == (0.5, 0.5)
    assert (found.gap_p50, found.gap_p99) == (0.5, 1.0)
    assert found.client_cpu == 0.25


def test_clients_of_a_round_count_together() -> None:
    found = figures([Round((sample(0.0, 1.0, 2.0), sample(0.0, 2.0, 4.0)), 0.0)])
    assert found.clients == 2
    assert found.throughput == 4 / 4.0
    assert found.generation == 3 / 3.0
    assert found.prefill == 200 / 2.0


def test_rounds_give_their_median() -> None:
    rounds = [Round((sample(0.0, 1.0, 1.0 + gap),), 0.0) for gap in (1.0, 2.0, 8.0)]
    assert figures(rounds).generation == 0.5


def test_failures_are_counted_and_left_out() -> None:
    good, bad = sample(0.0, 1.0, 2.0), sample(0.0, 9.0, problem="It broke.")
    found = figures([Round((good, bad), 0.0)])
    assert (found.requests, found.failures, found.problem) == (2, 1, "It broke.")
    assert found.throughput == 1.0


def test_nothing_but_failures_gives_no_figures() -> None:
    found = figures([Round((sample(0.0, problem="It broke."),), 0.0)])
    assert math.isnan(found.throughput)
    assert math.isnan(found.first_p50)
    assert math.isnan(found.prompt_tokens)


def test_pairs_of_rounds_are_compared() -> None:
    ours = [Round((sample(0.0, first, 2.0 * first),), 0.0) for first in (1.0, 2.0, 5.0)]
    theirs = [Round((sample(0.0, first, 2.0 * first),), 0.0) for first in (0.5, 1.0, 5.0)]
    found = compare(ours, theirs)
    assert found.throughput_ratio == 0.5
    assert found.generation_ratio == 0.5
    assert found.added_first == 0.5


@pytest.mark.parametrize(("percent", "value"), [(0, 1), (50, 2), (51, 3), (99, 4), (100, 4)])
def test_percentiles_are_by_nearest_rank(percent: float, value: float) -> None:
    assert percentile([4, 2, 1, 3], percent) == value


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 100))
def test_a_percentile_is_one_of_the_values_and_has_its_share_below(
    values: list[float], percent: float
) -> None:
    found = percentile(values, percent)
    assert found in values
    assert sum(value <= found for value in values) * 100 >= percent * len(values) * (1 - 1e-9)

"""Samples to figures: pure arithmetic. Times are in seconds, speeds in tokens per second."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean, median

from appliance.cli.bench.load import Round, Sample


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of some rounds with `clients` clients; NaN where nothing could be measured.

    Throughput is all tokens of the answers over the whole time. Generation is counted from the
    first piece of text of all clients to the last one, prefill from the start to the last client's
    first piece: with more clients than slots their waiting is part of both.
    """

    clients: int
    requests: int
    failures: int
    problem: str
    throughput: float
    generation: float
    prefill: float
    first_p50: float
    first_p99: float
    gap_p50: float
    gap_p99: float
    prompt_tokens: float
    client_cpu: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Ours against the engine's own server, round by round: medians of the pairs.

    A ratio above 1 means that ours was quicker; `added_first` is in seconds.
    """

    clients: int
    throughput_ratio: float
    generation_ratio: float
    added_first: float


def figures(rounds: Sequence[Round]) -> Figures:
    """Medians over rounds of the speeds, percentiles over all requests of the rest."""
    samples = [sample for each in rounds for sample in each.samples]
    good = _good(samples)
    problems = [sample.problem for sample in samples if sample.problem]
    firsts = [sample.pieces[0] - sample.begun for sample in good]
    gaps = [later - earlier for sample in good for earlier, later in pairwise(sample.pieces)]
    return Figures(
        clients=len(rounds[0].samples),
        requests=len(samples),
        failures=len(problems),
        problem=problems[0] if problems else "",
        throughput=_median(throughput(each.samples) for each in rounds),
        generation=_median(generation(each.samples) for each in rounds),
        prefill=_median(prefill(each.samples) for each in rounds),
        first_p50=percentile(firsts, 50),
        first_p99=percentile(firsts, 99),
        gap_p50=percentile(gaps, 50),
        gap_p99=percentile(gaps, 99),
        prompt_tokens=mean(sample.prompt_tokens for sample in good) if good else math.nan,
        client_cpu=_median(each.client_cpu for each in rounds),
    )


def compare(ours: Sequence[Round], theirs: Sequence[Round]) -> Comparison:
    """Rounds that were run in pairs."""
    pairs = list(zip(ours, theirs, strict=True))
    return Comparison(
        clients=len(ours[0].samples),
        throughput_ratio=_median(throughput(a.samples) / throughput(b.samples) for a, b in pairs),
        generation_ratio=_median(generation(a.samples) / generation(b.samples) for a, b in pairs),
        added_first=_median(_first(a.samples) - _first(b.samples) for a, b in pairs),
    )


def throughput(samples: Iterable[Sample]) -> float:
    """All clients' tokens in a second, prefill and all."""
    good = _good(samples)
    if not good:
        return math.nan
    seconds = max(sample.pieces[-1] for sample in good) - min(sample.begun for sample in good)
    return sum(sample.tokens for sample in good) / seconds if seconds > 0 else math.nan


def generation(samples: Iterable[Sample]) -> float:
    """All clients' tokens in a second; the first token of all is where the clock starts."""
    good = _good(samples)
    if not good:
        return math.nan
    start = min(sample.pieces[0] for sample in good)
    seconds = max(sample.pieces[-1] for sample in good) - start
    tokens = sum(sample.tokens for sample in good) - 1
    return tokens / seconds if seconds > 0 else math.nan


def prefill(samples: Iterable[Sample]) -> float:
    """Prompt tokens of all clients in a second."""
    good = _good(samples)
    if not good:
        return math.nan
    start = min(sample.begun for sample in good)
    seconds = max(sample.pieces[0] for sample in good) - start
    return sum(sample.prompt_tokens for sample in good) / seconds if seconds > 0 else math.nan


def percentile(values: Iterable[float], percent: float) -> float:
    """The smallest value that `percent` % of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def _first(samples: Iterable[Sample]) -> float:
    return _median(sample.pieces[0] - sample.begun for sample in _good(samples))


def _good(samples: Iterable[Sample]) -> list[Sample]:
    return [sample for sample in samples if not sample.problem]


def _median(values: Iterable[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return median(known) if known else math.nan

"""How fast and how steady the runs of late were: series of figures, their spread, averages."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from appliance.observe.feed import Feed
from appliance.observe.metrics import RunMeter

_LENGTH = 1000  # values of each series
METRICS: Final = (
    "tokens_per_second",
    "prompt_tokens_per_second",
    "latency_ms",
    "queue_ms",
    "total_time_ms",
    "prompt_tokens",
    "completion_tokens",
)
"""The names of the series; latency is the time from the question to the first token."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One figure; `timestamp` is in Unix seconds."""

    name: str
    value: float
    timestamp: float
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Spread:
    """How values are spread; percentiles are values that occurred (nearest rank)."""

    average: float
    least: float
    most: float
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class Averages:
    """Over all runs since the start that had such a figure; 0 before the first one."""

    tokens_per_second: float
    latency_ms: float


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Runs since the start, by how they ended; who was left alone neither failed nor succeeded."""

    succeeded: int
    failed: int
    abandoned: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.succeeded + self.failed + self.abandoned


@dataclass(slots=True)
class _Sums:
    tokens: float = 0.0
    seconds: float = 0.0
    latency_ms: float = 0.0
    firsts: int = 0


class Profile:
    """Any thread may note runs and read; memory is bounded. `clock` gives Unix seconds.

    Who listens to `news` hears of each figure.
    """

    def __init__(self, clock: Callable[[], float] = time.time, length: int = _LENGTH) -> None:
        self.news: Feed[Sample] = Feed()
        self._clock = clock
        self._lock = threading.Lock()
        self._series = {name: deque[Sample](maxlen=length) for name in METRICS}
        self._sums: dict[str, _Sums] = {}
        self._succeeded = self._failed = self._abandoned = 0

    def note(self, meter: RunMeter) -> None:
        """A run has ended."""
        now, tags = self._clock(), {"model": meter.model, "request_id": meter.request_id}
        samples = [Sample(name, value, now, tags) for name, value in _figures(meter)]
        with self._lock:
            self._count(meter)
            for sample in samples:
                self._series[sample.name].append(sample)
        for sample in samples:
            self.news.tell(sample)

    def samples(self, name: str, since: float = 0.0) -> tuple[Sample, ...]:
        """The values of one series from `since` on, the oldest first; none for an unknown name."""
        with self._lock:
            return tuple(s for s in self._series.get(name, ()) if s.timestamp >= since)

    def averages(self, model: str | None = None) -> Averages:
        """Of one model, or of all."""
        with self._lock:
            chosen = [sums for id, sums in self._sums.items() if model in (None, id)]
        seconds, firsts = sum(s.seconds for s in chosen), sum(s.firsts for s in chosen)
        return Averages(
            sum(s.tokens for s in chosen) / seconds if seconds else 0.0,
            sum(s.latency_ms for s in chosen) / firsts if firsts else 0.0,
        )

    def outcomes(self) -> Outcomes:
        """How all runs ended."""
        with self._lock:
            return Outcomes(self._succeeded, self._failed, self._abandoned)

    def _count(self, meter: RunMeter) -> None:
        self._failed += meter.failed
        self._succeeded += meter.finish is not None and not meter.failed
        self._abandoned += meter.finish is None and not meter.failed
        sums = self._sums.setdefault(meter.model, _Sums())
        if meter.first is not None:
            sums.latency_ms += 1000 * meter.first
            sums.firsts += 1
        if meter.finish is not None and meter.finish.timings is not None:
            sums.tokens += meter.finish.timings.generated_tokens
            sums.seconds += meter.finish.timings.generated_ms / 1000


def spread(values: Sequence[float]) -> Spread:
    """The spread of at least one value."""
    ordered = sorted(values)

    def percentile(percent: int) -> float:
        rank = -(-len(ordered) * percent // 100)  # rounded up
        return ordered[max(1, rank) - 1]

    average = sum(ordered) / len(ordered)
    p50, p95, p99 = map(percentile, (50, 95, 99))
    return Spread(average, ordered[0], ordered[-1], p50, p95, p99)


def _figures(meter: RunMeter) -> Iterator[tuple[str, float]]:
    """What a run tells; one that broke off has few figures."""
    yield "queue_ms", 1000 * meter.waited
    if meter.first is not None:
        yield "latency_ms", 1000 * meter.first
    if meter.finish is None:
        return
    yield "total_time_ms", 1000 * meter.took
    yield "prompt_tokens", meter.finish.usage.prompt
    yield "completion_tokens", meter.finish.usage.completion
    timings = meter.finish.timings
    if timings is not None and timings.generated_ms > 0:
        yield "tokens_per_second", timings.generated_per_second
    if timings is not None and timings.prompt_ms > 0:
        yield "prompt_tokens_per_second", timings.prompt_per_second

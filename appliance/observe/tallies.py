"""Counts and distributions by label, cheap enough for every request; they only ever grow."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence

Labels = tuple[str, ...]


class Tally:
    """A sum for each combination of labels."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sums: defaultdict[Labels, float] = defaultdict(float)

    def add(self, *labels: str, amount: float = 1.0) -> None:
        """Count one more, or `amount`."""
        with self._lock:
            self._sums[labels] += amount

    def total(self) -> float:
        """The sum over all labels."""
        with self._lock:
            return sum(self._sums.values())

    def __iter__(self) -> Iterator[tuple[Labels, float]]:
        with self._lock:
            return iter(sorted(self._sums.items()))


class Spread:
    """How values are spread over ranges: a last one takes what is above the highest bound."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        """Count a value; not safe to share between threads."""
        self.counts[bisect_left(self._bounds, value)] += 1
        self.sum += value

    def buckets(self) -> list[tuple[str, float]]:
        """Each bound, and how many values are not above it (Prometheus's `le`)."""
        names = [*(f"{bound:g}" for bound in self._bounds), "+Inf"]
        seen = 0
        found: list[tuple[str, float]] = []
        for name, count in zip(names, self.counts, strict=True):
            seen += count
            found.append((name, seen))
        return found


class Spreads:
    """A spread for each combination of labels."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self._lock = threading.Lock()
        self._spreads: dict[Labels, Spread] = {}

    def add(self, *labels: str, value: float) -> None:
        """Count one value."""
        with self._lock:
            self._of(labels).add(value)

    def merge(self, *labels: str, more: Spread) -> None:
        """Count all values of a spread with the same bounds."""
        with self._lock:
            known = self._of(labels)
            known.counts = [a + b for a, b in zip(known.counts, more.counts, strict=True)]
            known.sum += more.sum

    def __iter__(self) -> Iterator[tuple[Labels, list[tuple[str, float]], float]]:
        with self._lock:
            return iter([(k, s.buckets(), s.sum) for k, s in sorted(self._spreads.items())])

    def _of(self, labels: Labels) -> Spread:
        return self._spreads.setdefault(labels, Spread(self.bounds))

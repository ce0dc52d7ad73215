"""What the watchdog found and did, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from appliance.observe.metrics import gauge

STATES = ("well", "hot", "ill", "helpless")


class Told(Protocol):
    """How things are, and how often each illness was seen and each step taken."""

    @property
    def state(self) -> str:
        """One of STATES."""

    @property
    def counts(self) -> Mapping[str, int]:
        """By the names of illnesses and steps."""


class WatchdogMetrics(Collector):
    """Asks at each scrape; None where no watchdog ever ran."""

    def __init__(self, told: Callable[[], Told | None]) -> None:
        self._told = told

    def collect(self) -> Iterator[Metric]:
        """Every figure."""
        told = self._told()
        if told is None:
            return
        states = [((state,), float(state == told.state)) for state in STATES]
        yield gauge("luna_watchdog_state", "1 for how the device is", "state", states)
        events = CounterMetricFamily(
            "luna_watchdog_events", "Illnesses seen and steps taken since setup", labels=["event"]
        )
        for event, count in sorted(told.counts.items()):
            events.add_metric([event], count)
        yield events

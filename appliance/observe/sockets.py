"""What the WebSockets of a server do, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from appliance.observe.tallies import Tally


@dataclass(slots=True)
class SocketCounts:
    """Written by the one thread that serves them; `closed` goes by code, 1006 is a lost one."""

    open: int = 0
    sent: int = 0
    received: int = 0
    closed: Tally = field(default_factory=Tally)


class SocketMetrics(Collector):
    """Shows the counts at each scrape."""

    def __init__(self, counts: Callable[[], SocketCounts]) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        """Every figure."""
        counts = self._counts()
        yield GaugeMetricFamily("luna_websockets", "Open WebSockets", value=counts.open)
        for name, text, value in (
            ("sent", "Frames that went out, control frames included", counts.sent),
            ("received", "Whole messages that came in", counts.received),
        ):
            yield CounterMetricFamily(f"luna_websocket_{name}", text, value=value)
        closed = CounterMetricFamily(
            "luna_websocket_closed", "Ends, by close code; 1006 is a lost one", labels=["code"]
        )
        for labels, count in counts.closed:
            closed.add_metric(labels, count)
        yield closed

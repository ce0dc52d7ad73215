"""What the server counts of its downloads, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from appliance.observe.tallies import Tally


class DownloadMetrics(Collector):
    """Counts downloads that ended, and bytes of them that came."""

    def __init__(self) -> None:
        self._ended, self._bytes = Tally(), Tally()

    def ended(self, status: str) -> None:
        """Count a download that became complete, cancelled or an error."""
        self._ended.add(status)

    def received(self, count: int) -> None:
        """Count bytes."""
        self._bytes.add(amount=count)

    def collect(self) -> Iterator[Metric]:
        """Both, as families of Prometheus."""
        ended = CounterMetricFamily(
            "luna_downloads", "Downloads of models that ended, by how", labels=["status"]
        )
        for labels, value in self._ended:
            ended.add_metric(labels, value)
        yield ended
        yield CounterMetricFamily(
            "luna_download_bytes", "Bytes of models that came", value=self._bytes.total()
        )

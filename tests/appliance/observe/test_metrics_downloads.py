from __future__ import annotations

from appliance.observe.metrics import page_of
from appliance.observe.metrics_downloads import DownloadMetrics


def test_ends_and_bytes_are_counted() -> None:
    metrics = DownloadMetrics()
    page = page_of(metrics)
    assert b"luna_download_bytes_total 0.0" in page()
    metrics.ended("complete")
    metrics.ended("complete")
    metrics.ended("error")
    metrics.received(1000)
    metrics.received(24)
    lines = page().decode().splitlines()
    assert 'luna_downloads_total{status="complete"} 2.0' in lines
    assert 'luna_downloads_total{status="error"} 1.0' in lines
    assert "luna_download_bytes_total 1024.0" in lines

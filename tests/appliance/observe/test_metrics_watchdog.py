from __future__ import annotations

from appliance.http.dialects.luna.incidents import WatchdogReport
from appliance.observe.metrics import page_of
from appliance.observe.metrics_watchdog import WatchdogMetrics


def test_every_figure_is_on_the_page() -> None:
    told = WatchdogReport("ill", {"npu_hung": 2, "abort": 3}, [])
    page = page_of(WatchdogMetrics(lambda: told))().decode().splitlines()
    for line in (
        'luna_watchdog_state{state="well"} 0.0',
        'luna_watchdog_state{state="ill"} 1.0',
        'luna_watchdog_events_total{event="npu_hung"} 2.0',
        'luna_watchdog_events_total{event="abort"} 3.0',
    ):
        assert line in page


def test_without_a_watchdog_there_is_none() -> None:
    assert page_of(WatchdogMetrics(lambda: None))() == b""

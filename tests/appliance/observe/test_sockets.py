from __future__ import annotations

from appliance.observe.metrics import page_of
from appliance.observe.sockets import SocketCounts, SocketMetrics


def test_every_figure_is_on_the_page() -> None:
    counts = SocketCounts(open=3, sent=20, received=7)
    counts.closed.add("1000")
    counts.closed.add("1008", amount=2)
    page = page_of(SocketMetrics(lambda: counts))().decode()
    for line in (
        "luna_websockets 3.0",
        "luna_websocket_sent_total 20.0",
        "luna_websocket_received_total 7.0",
        'luna_websocket_closed_total{code="1000"} 1.0',
        'luna_websocket_closed_total{code="1008"} 2.0',
    ):
        assert line in page.splitlines()

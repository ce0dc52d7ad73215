"""GET /metrics: where llama.cpp's server has it, and where Prometheus looks by itself."""

from __future__ import annotations

from collections.abc import Callable

from appliance.http.dialects.llamacpp.errors import LLAMACPP
from appliance.http.exchange import Reply, Request
from appliance.http.routes import Operation, Route

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def routes(page: Callable[[], bytes], started: float) -> tuple[Route, ...]:
    """The route; `page` makes its text, `started` is in seconds since the epoch."""
    headers = (("Cache-Control", "no-store"), ("Process-Start-Time-Unix", str(int(started))))
    operation = Operation(
        "Figures for Prometheus",
        "llama.cpp",
        description="Our own names begin with `luna_`; those of llama.cpp's server are there too.",
        content_types=(CONTENT_TYPE,),
    )

    def metrics(request: Request) -> Reply:
        return Reply(page(), content_type=CONTENT_TYPE, headers=headers)

    return (Route("GET", "/metrics", metrics, operation, LLAMACPP),)

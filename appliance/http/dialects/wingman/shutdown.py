"""GET /api/shutdown: the server ends in order; where systemd runs it, it is started again."""

from __future__ import annotations

import logging
from collections.abc import Callable

from appliance.http.dialects.wingman.errors import WINGMAN
from appliance.http.exchange import Reply, Request
from appliance.http.routes import Operation, Route

_log = logging.getLogger(__name__)
_TEXT = "text/plain; charset=utf-8"


def routes(shutdown: Callable[[], object]) -> tuple[Route, ...]:
    """The table; `shutdown` returns at once."""

    def end(request: Request) -> Reply:
        _log.warning("%s shuts the server down", request.caller.client or "a local program")
        shutdown()
        return Reply(b"Shutting down", content_type=_TEXT)

    operation = Operation(
        "Shut the server down",
        "Wingman",
        description="What runs may end first. On a device, systemd then starts it again.",
        content_types=(_TEXT,),
    )
    return (Route("GET", "/api/shutdown", end, operation, WINGMAN, "admin", changes=True),)

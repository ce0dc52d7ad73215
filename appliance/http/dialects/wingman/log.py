"""POST /api/utils/log: a client writes a line to the log of the server."""

from __future__ import annotations

import logging
from typing import Annotated, Literal

from msgspec import Meta, Struct

from appliance.http.bodies import decode
from appliance.http.dialects.wingman.errors import WINGMAN
from appliance.http.exchange import Reply, Request
from appliance.http.routes import Operation, Route

_log = logging.getLogger("luna.client")
_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}


class WingmanLogItem(Struct, frozen=True):
    """A line; the time that counts is when it arrives."""

    message: Annotated[str, Meta(max_length=4096)]
    level: Literal["debug", "info", "warn", "error"] = "info"
    timestamp: int | float = 0
    isa: Literal["WingmanLogItem"] = "WingmanLogItem"


def routes() -> tuple[Route, ...]:
    """The table."""
    operation = Operation(
        "Write a line to the log",
        "Wingman",
        body=WingmanLogItem,
        description="So often a minute as `rate.log` says.",
        statuses=(422,),
        examples={
            "A line": {
                "isa": "WingmanLogItem",
                "level": "info",
                "message": "The window was opened.",
                "timestamp": 1731500000,
            }
        },
    )
    return (Route("POST", "/api/utils/log", _write, operation, WINGMAN, changes=True, rate="log"),)


def _write(request: Request) -> Reply:
    item = decode(request.body, WingmanLogItem)
    # Quoted, so that it is one line, which nobody takes for one of ours.
    _log.log(_LEVELS[item.level], "%s says %s", request.caller.client, _quoted(item.message))
    return Reply(b"")


def _quoted(text: str) -> str:
    return repr(text) if text.isprintable() else ascii(text)

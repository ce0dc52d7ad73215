"""The JavaScript SDK, as the device serves it to web pages of its own and of elsewhere."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from appliance.http.exchange import Reply, Request
from appliance.http.files import TYPES, Files
from appliance.http.routes import Operation, Route

_FOLDER = Path(__file__).parents[1] / "sdk" / "javascript"


def sdk_routes() -> tuple[Route, ...]:
    """The table of its files."""
    files = Files(_FOLDER)

    def file(name: str, request: Request) -> Reply:
        return files.reply(name, request)

    module = Operation(
        "The JavaScript SDK, one ES module",
        "Documents",
        description='`import { LunaClient } from "http://…/sdk/luna.js"` in any page talks to '
        "the device that it came from.",
        content_types=(TYPES[".js"],),
    )
    types = Operation("Its types", "Documents", content_types=(TYPES[".ts"],))
    return (
        Route("GET", "/sdk/luna.js", partial(file, "luna.js"), module, access="open"),
        Route("GET", "/sdk/luna.d.ts", partial(file, "luna.d.ts"), types, access="open"),
    )

"""Updates of the firmware image, asked for by an administrator."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Literal

from msgspec import Struct

from appliance.errors import BadRequest
from appliance.http.bodies import decode
from appliance.http.exchange import Reply, Request, json_reply
from appliance.http.routes import Operation, Route
from appliance.settings import UpdateSettings
from appliance.system.rauc import Rauc, Slot, UpdateRefused
from appliance.updates.judge import ON_TRIAL, is_judging
from appliance.updates.offer import refuse_older, why_not
from appliance.updates.release import running_version

_log = logging.getLogger(__name__)


class UpdateBody(Struct, frozen=True):
    """`source` is a URL, or the path of a file on the device; "" means the newest one.

    That one is looked for where the device's settings say (updates.url).
    """

    source: str = ""
    allow_older: bool = False


class UpdateBegun(Struct, frozen=True):
    """The update is being written into the other slot; GET tells how far it is.

    Or nothing is done (`current`) because the newest one is no newer: `message` says more.
    """

    version: str
    status: Literal["installing", "current"] = "installing"
    message: str = ""


class System(Struct, frozen=True):
    """One of the two systems: whether it runs, and whether it could be started."""

    name: str
    running: bool
    bootable: bool
    version: str


class UpdateState(Struct, frozen=True):
    """What runs, what is in the other slot, and how far an installation is or how it ended.

    `url` is where the newest update is looked for; "" if nowhere.
    """

    version: str
    systems: list[System]
    installing: bool
    percent: int
    message: str
    error: str
    url: str = ""


class UpdateApi:
    """Handlers. What they ask is this machine by default."""

    def __init__(
        self,
        settings: UpdateSettings,
        connect: Callable[[], Awaitable[Rauc]] = Rauc.connect,
        version: Callable[[], str] = running_version,
        judging: Callable[[], Awaitable[bool]] = is_judging,
    ) -> None:
        self._settings = settings
        self._connect = connect
        self._version = version
        self._judging = judging

    def state(self, request: Request) -> Reply:
        """GET /luna/update."""
        return json_reply(asyncio.run(self._state()))

    def begin(self, request: Request) -> Reply:
        """POST /luna/update."""
        body = decode(request.body, UpdateBody)
        source = body.source or self._settings.url
        if not source:
            raise BadRequest(
                "Name an update as `source`: the device's settings name no updates.url.",
                param="source",
            )
        if not source.startswith(("/", "http://", "https://")):
            raise BadRequest("Name a file of the device, with its path, or a URL.", param="source")
        begun = asyncio.run(self._begin(source, body))
        if begun.status == "current":
            return json_reply(begun)
        _log.warning("an update to %s was asked for", begun.version)
        return json_reply(begun, 202)

    async def _state(self) -> UpdateState:
        async with await self._connect() as rauc:
            slots, now = await rauc.slots(), await rauc.progress()
        version = self._version()
        systems = [_system(each, version) for each in slots]
        url = self._settings.url
        return UpdateState(version, systems, now.busy, now.percent, now.message, now.error, url)

    async def _begin(self, source: str, body: UpdateBody) -> UpdateBegun:
        running = self._version()
        async with await self._connect() as rauc:
            version = await rauc.version(source)
            if not body.source:
                why = why_not(version, running, await rauc.slots(), f"at {source}")
                if why:
                    return UpdateBegun(running, "current", why)
            refuse_older(
                version,
                running,
                wanted=body.allow_older,
                allowed=self._settings.allow_older,
                remedy="with allow_older it is installed all the same",
            )
            if await self._judging():
                raise UpdateRefused(f"{ON_TRIAL}; ask again in some minutes.")
            await rauc.begin(source)
        return UpdateBegun(version)


def _system(slot: Slot, running: str) -> System:
    """The running one may not have been installed by an update, but says itself what it is."""
    version = running if slot.running else slot.version
    return System(slot.name, slot.running, slot.bootable, version)


def routes(api: UpdateApi) -> tuple[Route, ...]:
    """The table."""
    look = Operation(
        "The two systems, and how far an update is", "Luna", answer=UpdateState, statuses=(501, 503)
    )
    begin = Operation(
        "Install an update",
        "Luna",
        body=UpdateBody,
        answer=UpdateBegun,
        description="A signed update is written into the slot that is not running. The next start "
        "uses it, and goes back to this one if it does not come up or stays sick. Without a source "
        "the newest is taken from where the device's settings say, if it is newer.",
        accepted="It is being installed.",
        statuses=(403, 501, 503),
        examples={
            "From a web server": {"source": "https://example.org/luna-rock-5b.raucb"},
            "The newest": {},
        },
    )
    return (
        Route("GET", "/luna/update", api.state, look),
        Route("POST", "/luna/update", api.begin, begin, access="admin", changes=True),
    )

"""Updates of the firmware image, asked for by an administrator."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from msgspec import Struct

from appliance.errors import BadRequest
from appliance.http.bodies import decode
from appliance.http.exchange import Reply, Request, json_reply
from appliance.http.routes import Operation, Route
from appliance.system.rauc import Rauc, Slot, UpdateRefused
from appliance.updates.judge import ON_TRIAL, is_judging
from appliance.updates.release import is_older, running_version

_log = logging.getLogger(__name__)


class UpdateBody(Struct, frozen=True):
    """`source` is a URL, or the path of a file on the device."""

    source: str
    allow_older: bool = False


class UpdateBegun(Struct, frozen=True):
    """The update is being written into the other slot; GET tells how far it is."""

    version: str
    status: str = "installing"


class System(Struct, frozen=True):
    """One of the two systems: whether it runs, and whether it could be started."""

    name: str
    running: bool
    bootable: bool
    version: str


class UpdateState(Struct, frozen=True):
    """What runs, what is in the other slot, and how far an installation is or how it ended."""

    version: str
    systems: list[System]
    installing: bool
    percent: int
    message: str
    error: str


class UpdateApi:
    """Handlers. What they ask is this machine by default."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Rauc]] = Rauc.connect,
        version: Callable[[], str] = running_version,
        judging: Callable[[], Awaitable[bool]] = is_judging,
    ) -> None:
        self._connect = connect
        self._version = version
        self._judging = judging

    def state(self, request: Request) -> Reply:
        """GET /luna/update."""
        return json_reply(asyncio.run(self._state()))

    def begin(self, request: Request) -> Reply:
        """POST /luna/update."""
        body = decode(request.body, UpdateBody)
        if not body.source.startswith(("/", "http://", "https://")):
            raise BadRequest("Name a file of the device, with its path, or a URL.", param="source")
        begun = asyncio.run(self._begin(body))
        _log.warning("an update to %s was asked for", begun.version)
        return json_reply(begun, 202)

    async def _state(self) -> UpdateState:
        rauc = await self._connect()
        try:
            slots, now = await rauc.slots(), await rauc.progress()
        finally:
            await rauc.close()
        version = self._version()
        systems = [_system(each, version) for each in slots]
        return UpdateState(version, systems, now.busy, now.percent, now.message, now.error)

    async def _begin(self, body: UpdateBody) -> UpdateBegun:
        rauc = await self._connect()
        try:
            version = await rauc.version(body.source)
            if is_older(version, self._version()) and not body.allow_older:
                raise UpdateRefused(
                    f"{version} is older than {self._version()}, which runs here; with "
                    "allow_older it is installed all the same.",
                    param="source",
                )
            if await self._judging():
                raise UpdateRefused(f"{ON_TRIAL}; ask again in some minutes.")
            await rauc.begin(body.source)
        finally:
            await rauc.close()
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
        "uses it, and goes back to this one if it does not come up or stays sick.",
        accepted="It is being installed.",
        statuses=(403, 501, 503),
        examples={"From a web server": {"source": "https://example.org/luna-rock-5b.raucb"}},
    )
    return (
        Route("GET", "/luna/update", api.state, look),
        Route("POST", "/luna/update", api.begin, begin, access="admin", changes=True),
    )

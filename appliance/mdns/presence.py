"""One interface from the first probe to the goodbye."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from appliance.mdns.claims import Claims
from appliance.mdns.naming import Names
from appliance.mdns.pace import Budget
from appliance.mdns.places import Place
from appliance.mdns.probing import NameTaken, probe
from appliance.mdns.responder import Responder
from appliance.mdns.services import Service

_ANNOUNCEMENTS = 2
_BETWEEN_S = 1.0  # RFC 6762, 8.3
_LINK_TROUBLE_S = 5.0  # until the next try, unless the network changes before

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class State:
    """What an interface has to tell: where, under which names, which services."""

    place: Place
    names: Names
    services: tuple[Service, ...]


class Presence:
    """Keeps one interface told of its state, which may change at any time.

    `claims` gives what is claimed for a state by now; `taken` is called with names that somebody
    else has, and changes the state. `budget` bounds how often anything is sent.
    """

    def __init__(
        self,
        state: State,
        claims: Callable[[State], Claims],
        taken: Callable[[State, frozenset[str]], None],
        budget: Budget,
    ) -> None:
        self._state = state
        self._claims = claims
        self._taken = taken
        self._budget = budget
        self._changed = asyncio.Event()
        self._disputed = False
        self._task = asyncio.create_task(self._run())
        self._goodbye = False

    @property
    def task(self) -> asyncio.Task[None]:
        """Ends with `stop` alone, or with an error that nobody foresaw."""
        return self._task

    @property
    def state(self) -> State:
        """What is told, or will be as soon as it may."""
        return self._state

    def update(self, state: State) -> None:
        """Tell this from now on, even if it is the same as before."""
        self._state = state
        self._changed.set()

    async def stop(self, *, goodbye: bool) -> None:
        """Be silent; with a goodbye if anything was announced."""
        self._goodbye = goodbye
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        while True:
            names = self._state.names
            try:
                await self._allowance()
                await probe(self._state.place, lambda: self._claims(self._state))
                await self._present(names)
            except NameTaken as found:
                self._taken(self._state, found.names)
            except (OSError, RuntimeError) as error:
                place = self._state.place.interface
                _log.info("Nothing can be announced on %s for now: %s", place, error)
                await self._change(_LINK_TROUBLE_S)

    async def _present(self, names: Names) -> None:
        """Announce, and again what changes, until the names change or somebody disputes them."""
        self._disputed = False
        told: frozenset[str] = frozenset()
        while self._state.names == names and not self._disputed:
            state = self._state
            self._changed.clear()
            responder = await Responder.open(
                state.place, names, state.services, lambda: self._claims(self._state), self._dispute
            )
            goodbye = False
            try:
                await self._tell(responder, sorted(told - set(state.place.addresses)))
                if self._state.names == names and not self._disputed:
                    await self._allowance()
                goodbye = self._state.names != names and not self._disputed
            except asyncio.CancelledError:
                goodbye = self._goodbye
                raise
            finally:
                await responder.close(goodbye=goodbye)
            told = frozenset(state.place.addresses)

    async def _tell(self, responder: Responder, gone: list[str]) -> None:
        """Announce, then answer for as long as nothing changes."""
        _log.info(
            "%s announces %s.local with %s",
            self._state.place.interface,
            self._state.names.host,
            ", ".join(self._state.place.addresses),
        )
        for _ in range(_ANNOUNCEMENTS):
            responder.announce(gone)
            if await self._change(_BETWEEN_S):
                return
        await self._changed.wait()

    async def _change(self, seconds: float) -> bool:
        """Wait for a change, but not for ever; whether there was one."""
        try:
            async with asyncio.timeout(seconds):
                return await self._changed.wait()
        except TimeoutError:
            return False

    async def _allowance(self) -> None:
        now = asyncio.get_running_loop().time
        await asyncio.sleep(self._budget.delay(now()))
        self._budget.spend(now())

    def _dispute(self, names: frozenset[str]) -> None:
        if not self._disputed:
            _log.warning("Somebody else uses %s too; it is probed again.", ", ".join(sorted(names)))
        self._disputed = True
        self._changed.set()

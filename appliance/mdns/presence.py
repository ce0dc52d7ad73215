"""One interface from the first probe to the goodbye."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
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
        self._stopping = False
        self._goodbye = False
        self._waiting: asyncio.Task[None] | None = None
        self._task = asyncio.create_task(self._run())

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
        """Be silent; with a goodbye if anything was announced.

        Only waits are cut short: zeroconf is not made to be cancelled while it opens or closes.
        """
        self._stopping, self._goodbye = True, goodbye
        self._changed.set()
        if self._waiting is not None:
            self._waiting.cancel()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        while not self._stopping:
            names = self._state.names
            try:
                await self._wait(self._allowance())
                await self._wait(probe(self._state.place, lambda: self._claims(self._state)))
                await self._present(names)
            except NameTaken as found:
                self._taken(self._state, found.names)
            except (OSError, RuntimeError) as error:
                place = self._state.place.interface
                _log.info("Nothing can be announced on %s for now: %s", place, error)
                await self._change(_LINK_TROUBLE_S)

    async def _wait(self, work: Coroutine[None, None, None]) -> None:
        """Do what `stop` may cut short, unless it is time to stop already."""
        self._waiting = asyncio.create_task(work)
        if self._stopping:
            self._waiting.cancel()
        try:
            await self._waiting
        except asyncio.CancelledError:
            if not self._stopping:
                raise
        finally:
            self._waiting = None

    async def _present(self, names: Names) -> None:
        """Announce, and again what changes, until the names change or somebody disputes them."""
        self._disputed = False
        told: frozenset[str] = frozenset()
        while self._holds(names):
            state = self._state
            self._changed.clear()
            responder = await Responder.open(
                state.place, names, state.services, lambda: self._claims(self._state), self._dispute
            )
            try:
                await self._tell(responder, sorted(told - set(state.place.addresses)))
                if self._holds(names):
                    await self._wait(self._allowance())
            finally:
                await responder.close(goodbye=self._leaves(names))
            told = frozenset(state.place.addresses)

    def _holds(self, names: Names) -> bool:
        """Whether these names are still ours to announce."""
        return self._state.names == names and not self._disputed and not self._stopping

    def _leaves(self, names: Names) -> bool:
        """Whether others should forget these names; not where somebody else has them."""
        if self._disputed:
            return False
        return self._goodbye if self._stopping else self._state.names != names

    async def _tell(self, responder: Responder, gone: list[str]) -> None:
        """Announce, then answer for as long as nothing changes."""
        if self._stopping:
            return
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

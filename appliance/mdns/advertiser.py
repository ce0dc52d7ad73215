"""The device on all its interfaces, through every change of its network."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import replace

from appliance.mdns.claims import Claims, claims
from appliance.mdns.naming import Names, Pick
from appliance.mdns.pace import Budget, Settling
from appliance.mdns.places import places
from appliance.mdns.presence import Presence, State
from appliance.mdns.services import Service
from appliance.settings import MdnsSettings
from appliance.system.netlink import Changes, Network

_log = logging.getLogger(__name__)
_REFRESH_S = 5.0


class Advertiser:
    """Announces `services()` under `names`, renamed where they are taken, wherever `look()` finds
    an interface. Both are asked again whenever the network changes, `services` every
    `refresh_s` seconds too: of what they tell the kernel says nothing.
    """

    def __init__(
        self,
        settings: MdnsSettings,
        names: Names,
        services: Callable[[], tuple[Service, ...]],
        look: Callable[[], Network],
        pick: Pick = random.randint,
        refresh_s: float = _REFRESH_S,
    ) -> None:
        self._settings = settings
        self._names = names
        self._services = services
        self._look = look
        self._pick = pick
        self._refresh_s = refresh_s
        self._settling = Settling()
        self._presences: dict[str, Presence] = {}
        self._budgets: dict[str, Budget] = {}
        self._own: frozenset[str] = frozenset()
        self._told: tuple[Service, ...] = ()

    @property
    def names(self) -> Names:
        """What the device is called by now."""
        return self._names

    async def run(self, changes: Changes, stop: asyncio.Event) -> None:
        """Follow the network until `stop`, then say goodbye. Raises NetlinkUnavailable."""
        stopped = asyncio.create_task(stop.wait())
        try:
            await self._follow(frozenset())
            while not stop.is_set():
                change = asyncio.create_task(self._settled(changes))
                await self._until_done(change, stopped)
                if change.done():
                    await self._follow(change.result())
                else:
                    change.cancel()
        finally:
            stopped.cancel()
            running = list(self._presences.values())
            await asyncio.gather(*(presence.stop(goodbye=True) for presence in running))

    async def _until_done(self, *expected: asyncio.Task[object]) -> None:
        """Wait for one of these; an error that ends a presence ends everything."""
        while not any(task.done() for task in expected):
            running = [presence.task for presence in self._presences.values()]
            done, _ = await asyncio.wait([*expected, *running], return_when=asyncio.FIRST_COMPLETED)
            for task in done & set(running):
                task.result()

    async def _settled(self, changes: Changes) -> frozenset[str]:
        """Wait for a change, and then until it has calmed down; what lost its link meanwhile."""
        now = asyncio.get_running_loop().time
        lost = await self._changed(changes)
        first = last = now()
        while (rest := self._settling.due(first, last) - now()) > 0:
            try:
                async with asyncio.timeout(rest):
                    lost |= await changes.wait()
                last = now()
            except TimeoutError:
                break
        return lost

    async def _changed(self, changes: Changes) -> frozenset[str]:
        """Wait for the network to change, or what is told of the device."""
        while True:
            try:
                async with asyncio.timeout(self._refresh_s):
                    return await changes.wait()
            except TimeoutError:
                if self._services() != self._told:
                    return frozenset()

    async def _follow(self, lost: frozenset[str]) -> None:
        """Bring the presences in line with the network as it is now."""
        network, services = self._look(), self._services()
        self._told = services
        found = {place.interface: place for place in places(network, self._settings)}
        self._own = frozenset(address.address for address in network.addresses)
        gone = [name for name in self._presences if name in lost or name not in found]
        for name in gone:
            _log.info("%s is no longer announced on.", name)
            await self._presences.pop(name).stop(goodbye=False)
        for name, place in found.items():
            state = State(place, self._names, services)
            present = self._presences.get(name)
            if present is None:
                self._presences[name] = self._presence(state)
            elif gone or present.state != state:
                # Where two interfaces are in one network, this is also how others learn that the
                # addresses of the one that is gone no longer count.
                present.update(state)
        self._forget_budgets()

    def _presence(self, state: State) -> Presence:
        budget = self._budgets.setdefault(state.place.interface, Budget())
        return Presence(state, self._claims, self._taken, budget)

    def _claims(self, state: State) -> Claims:
        return claims(state.names, state.services, state.place.addresses, self._own)

    def _taken(self, state: State, taken: frozenset[str]) -> None:
        if state.names != self._names:
            return  # renamed already, by what another interface heard
        claimed = self._claims(state)
        if claimed.host.lower() in taken:
            self._names = self._names.host_taken(self._pick)
        if taken & {name.lower() for name in claimed.instances}:
            self._names = self._names.instance_taken(self._pick)
        _log.warning(
            "%s is taken; this device is now '%s' at %s.local.",
            ", ".join(sorted(taken)),
            self._names.instance,
            self._names.host,
        )
        for presence in self._presences.values():
            presence.update(replace(presence.state, names=self._names))

    def _forget_budgets(self) -> None:
        now = asyncio.get_running_loop().time()
        for name in [each for each in self._budgets if each not in self._presences]:
            if self._budgets[name].untouched(now):
                del self._budgets[name]


def own_names(
    settings: MdnsSettings, host: str, short: str, reserved: frozenset[str], pick: Pick
) -> Names:
    """What a device is called at first; never by a host name that is `reserved`."""
    names = Names(host, settings.name or f"Luna {short}", short)
    while names.host.lower() in reserved:
        names = names.host_taken(pick)
    return names

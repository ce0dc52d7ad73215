"""Asking whether names are free before they are used (RFC 6762, 8.1 and 8.2)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from zeroconf import DNSIncoming

from appliance.mdns.channel import Channel
from appliance.mdns.claims import Claims, Verdict
from appliance.mdns.places import Place

_PROBES = 3
_BETWEEN_S = 0.25
_DEFER_S = 1.0
# The RFC's 0.25 s keep devices apart that are switched on together; starting them does that too.
_FIRST_WAIT_S = 0.02


class NameTaken(Exception):
    """Somebody else has these names, which are whole and in lower case."""

    def __init__(self, names: frozenset[str]) -> None:
        super().__init__(", ".join(sorted(names)))
        self.names = names


async def probe(
    place: Place, claims: Callable[[], Claims], chance: Callable[[], float] = random.random
) -> None:
    """Return when nobody disputes the names on this interface; raises NameTaken, or OSError.

    Whoever claims one at the same time and has precedence is given a second to become its owner.
    `claims` is asked anew for each probe, for addresses come and go; `chance` is within 0 and 1.
    """
    heard: asyncio.Queue[DNSIncoming] = asyncio.Queue()
    async with Channel(place.interface, place.index, heard.put_nowait) as channel:
        await asyncio.sleep(chance() * _FIRST_WAIT_S)
        sent = 0
        while sent < _PROBES:
            channel.send(claims().query())
            sent += 1
            if await _listen(heard, claims) is Verdict.DEFER:
                await asyncio.sleep(_DEFER_S)
                while not heard.empty():
                    heard.get_nowait()
                sent = 0


async def _listen(heard: asyncio.Queue[DNSIncoming], claims: Callable[[], Claims]) -> Verdict:
    """Hear what is said for as long as two probes are apart."""
    try:
        async with asyncio.timeout(_BETWEEN_S):
            while True:
                verdict, names = claims().judge(await heard.get())
                if verdict is Verdict.TAKEN:
                    raise NameTaken(names)
                if verdict is Verdict.DEFER:
                    return verdict
    except TimeoutError:
        return Verdict.CLEAR

"""What only the kernel's WiFi layer can say or be told: the country, who is connected.

Generic netlink (linux/nl80211.h), spoken by pyroute2. Its AsyncIW in a loop of its own, because
the synchronous IW leaves that loop and its socket open where there is no WiFi layer.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from pyroute2 import AsyncIW, NetlinkError

from appliance.errors import ReadingUnavailable

_SECONDS: Final = 5.0

_T = TypeVar("_T")


class WifiUnavailable(ReadingUnavailable):
    """The kernel has no WiFi layer, or this process may not speak to it."""


def set_country(code: str) -> None:
    """Ask for the rules of a country, two letters of ISO 3166 (`iw reg set`).

    Needs CAP_NET_ADMIN. Some chips keep to the country that they were made for, and do not say so.
    For a thread that is in no event loop. Raises WifiUnavailable.
    """

    async def tell(kernel: Any) -> None:
        await kernel.set_regulatory_domain(code)

    _ask(tell)


def count_stations(interface: str) -> int:
    """How many devices are connected to the access point that an interface is.

    For a thread that is in no event loop. Raises WifiUnavailable.
    """
    try:
        index = socket.if_nametoindex(interface)
    except OSError as error:
        raise WifiUnavailable(f"There is no network interface {interface}.") from error

    async def count(kernel: Any) -> int:
        answers = [answer async for answer in await kernel.get_stations(index)]
        return sum(answer["event"] == "NL80211_CMD_NEW_STATION" for answer in answers)

    return _ask(count)


def _ask(question: Callable[[Any], Awaitable[_T]]) -> _T:
    try:
        return asyncio.run(_answer(question))
    except (OSError, NetlinkError) as error:
        reason = error.args[1] if len(error.args) > 1 else "too slow"
        raise WifiUnavailable(
            f"The WiFi layer of the kernel does not answer ({reason}); check"
            " that a WiFi driver is loaded and that the service has CAP_NET_ADMIN."
        ) from error


async def _answer(question: Callable[[Any], Awaitable[_T]]) -> _T:
    async with asyncio.timeout(_SECONDS), AsyncIW() as kernel:
        await kernel.bind()
        return await question(kernel)

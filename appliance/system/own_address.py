"""An address that is this machine's but no interface's (ip-route(8), type local)."""

from __future__ import annotations

import asyncio
import socket
from typing import Final

from pyroute2 import AsyncIPRoute, NetlinkError

from appliance.errors import ReadingUnavailable

_SECONDS: Final = 5.0
_LOCAL_TABLE: Final = 255


class AddressRefused(ReadingUnavailable):
    """This process may not do that."""


def own(address: str) -> None:
    """Take packets to that IPv4 address for our own, by whatever interface they come.

    It lasts until the machine is switched off; once more does no harm. Needs CAP_NET_ADMIN. For a
    thread that is in no event loop. Raises AddressRefused.
    """
    try:
        asyncio.run(_own(address))
    except (OSError, NetlinkError) as error:
        raise AddressRefused(
            f"The address {address} cannot be taken ({error}); the process needs CAP_NET_ADMIN."
        ) from error


async def _own(address: str) -> None:
    async with asyncio.timeout(_SECONDS), AsyncIPRoute() as kernel:
        await kernel.route(
            "replace",
            dst=f"{address}/32",
            type="local",
            scope="host",
            table=_LOCAL_TABLE,
            oif=socket.if_nametoindex("lo"),
        )

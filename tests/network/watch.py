"""A zeroconf browser as a process: prints what it sees as lines of JSON, with the time of it.

Times are those of time.monotonic(), which all processes of a machine share.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from zeroconf import IPVersion, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf


def say(event: str, **facts: object) -> None:
    print(json.dumps({"at": time.monotonic(), "event": event, **facts}), flush=True)


async def tell(zeroconf: Zeroconf, type_: str, name: str, event: str) -> None:
    info = AsyncServiceInfo(type_, name)
    await info.async_request(zeroconf, 3000)
    txt = {key.decode(): (value or b"").decode() for key, value in info.properties.items()}
    addresses = sorted(info.parsed_addresses())
    say(event, name=name, host=info.server, port=info.port, addresses=addresses, txt=txt)


async def watch(types: list[str]) -> None:
    tasks: set[asyncio.Task[None]] = set()

    def handle(
        zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        event = state_change.name.lower()
        if state_change is ServiceStateChange.Removed:
            say(event, name=name)
        else:
            task = asyncio.create_task(tell(zeroconf, service_type, name, event))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    async with AsyncZeroconf(ip_version=IPVersion.All) as zeroconf:
        AsyncServiceBrowser(zeroconf.zeroconf, types, handlers=[handle])
        say("watching")
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(watch(sys.argv[1:]))

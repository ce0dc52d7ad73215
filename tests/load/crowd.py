"""WebSocket clients by the hundred, in a process of their own, and the hub of a download.

Talks JSON lines with who started it: tells the hub's address, gets the server's port, connects,
says that it is there, and at the end of its input what its clients have heard.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.helpers.hub import FakeHub

REPO, FILE = "load/model", "model-Q4_K_M.gguf"
NOTES_PER_SECOND = 4  # of an application's own, passed on to all


@dataclass
class Heard:
    """What one client got, as far as its order matters."""

    notes: list[int] = field(default_factory=list)
    bytes_done: list[int] = field(default_factory=list)
    frames: int = 0

    def take(self, frame: dict[str, Any]) -> None:
        self.frames += 1
        if "Note" in frame:
            self.notes.append(frame["Note"])
        for item in frame.get("DownloadItems", ()):
            self.bytes_done.append(item["downloadedBytes"])


async def listen(port: int, heard: Heard, there: asyncio.Event) -> int | None:
    """One client, up to its end; returns the code with which it was closed."""
    async with connect(f"ws://127.0.0.1:{port}/", proxy=None) as client:
        await client.send(json.dumps({"subscribe": "Note"}))
        there.set()
        try:
            async for text in client:
                heard.take(json.loads(text))
        finally:
            there.clear()
    return client.close_code


async def publish(client: ClientConnection, count: list[int]) -> None:
    """Numbered messages for all others."""
    while True:
        await client.send(json.dumps({"Note": count[0]}))
        count[0] += 1
        await asyncio.sleep(1 / NOTES_PER_SECOND)


async def crowd(port: int, size: int) -> dict[str, Any]:
    """Connect, fetch a model, and listen until the input ends."""
    heard = [Heard() for _ in range(size)]
    events = [asyncio.Event() for _ in range(size)]
    tasks = [
        asyncio.create_task(listen(port, each, event))
        for each, event in zip(heard, events, strict=True)
    ]
    everybody = asyncio.gather(*(event.wait() for event in events))
    waited: list[asyncio.Future[Any]] = [everybody, *tasks]
    done, _ = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()  # raises why a client could not come
    query = f"modelRepo={REPO}&filePath={FILE}"
    url = f"http://127.0.0.1:{port}/api/downloads/enqueue?{query}"
    await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=30).close())
    count = [0]
    async with connect(f"ws://127.0.0.1:{port}/", proxy=None) as client:
        publishing = asyncio.create_task(publish(client, count))
        reading = asyncio.create_task(drain(client))
        print(json.dumps({"ready": True}), flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        publishing.cancel()
        await asyncio.sleep(2)  # the last messages are on their way
        reading.cancel()
    lost = sum(not event.is_set() for event in events)
    for task in tasks:
        task.cancel()
    return {
        "clients": size,
        "lost_clients": lost,
        "notes": count[0],
        "complete": sum(each.notes == list(range(count[0])) for each in heard),
        "in_order": sum(each.bytes_done == sorted(each.bytes_done) for each in heard),
        "frames": sum(each.frames for each in heard),
        "megabytes": max((each.bytes_done[-1] for each in heard if each.bytes_done), default=0)
        / 1e6,
    }


async def drain(client: ClientConnection) -> None:
    async for _ in client:
        pass


def main(size: int, megabytes: int, rate: int) -> None:
    """Serve a hub and be a crowd."""
    with FakeHub({REPO: {FILE: os.urandom(megabytes * 1_000_000)}}) as hub:
        hub.rate = rate
        print(json.dumps({"hub": hub.url}), flush=True)
        port = json.loads(sys.stdin.readline())["port"]
        print(json.dumps(asyncio.run(crowd(port, size))), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

"""Stand-ins for services of the system bus, answering in a thread of their own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from appliance.system.bus import Answerer, connect


@contextmanager
def offered(address: str, names: Sequence[str], answer: Answerer) -> Iterator[None]:
    """Own `names` on the bus at `address`, and have `answer` reply to all calls."""
    ready, done = threading.Event(), threading.Event()

    async def serve() -> None:
        service = await connect(address)
        service.answer_calls(answer)
        for name in names:
            await service.own(name)
        ready.set()
        await asyncio.to_thread(done.wait)
        await service.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(30), "the stand-in did not get its names"
        yield
    finally:
        done.set()
        thread.join()

"""Time as the procedures see it; tests hand in one that runs faster."""

from __future__ import annotations

import asyncio
import time


class Clock:
    """Seconds of a clock that never runs backwards."""

    def now(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let others work for so long."""
        await asyncio.sleep(seconds)

    def limit(self, seconds: float | None) -> asyncio.Timeout:
        """A context that raises TimeoutError in what takes longer; None has all the time."""
        return asyncio.timeout(seconds)

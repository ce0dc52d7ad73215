"""A download as others see it, and the speed of one."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal

Status = Literal["queued", "downloading", "complete", "error", "cancelled"]
Key = tuple[str, str]
UNFINISHED: tuple[Status, ...] = ("queued", "downloading")
_WINDOW = 5.0  # seconds over which a speed is averaged


@dataclass(frozen=True, slots=True)
class Download:
    """One model that was asked for; sizes in bytes, times in seconds since the epoch.

    `speed` is in bytes a second, `error` the reason of the last failure, "" where there was none.
    """

    repo: str
    file: str
    status: Status
    total: int
    done: int
    created: float
    updated: float
    speed: float = 0.0
    error: str = ""

    @property
    def key(self) -> Key:
        """What tells it from all others."""
        return self.repo, self.file

    @property
    def percent(self) -> float:
        """0 to 100."""
        if self.status == "complete":
            return 100.0
        return 100.0 * self.done / self.total if self.total else 0.0


class Meter:
    """The speed of the last seconds, from counts that only grow; times are in seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def note(self, now: float, count: int) -> float:
        """Take a count in; returns units a second."""
        if self._seen and count < self._seen[-1][1]:
            self._seen.clear()  # something was thrown away
        self._seen.append((now, count))
        while len(self._seen) > 2 and now - self._seen[1][0] >= _WINDOW:
            self._seen.popleft()
        since, before = self._seen[0]
        return (count - before) / (now - since) if now > since else 0.0

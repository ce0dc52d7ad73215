"""How fast to follow a network that changes; pure, the time is an argument, in seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settling:
    """Wait until nothing has changed for `quiet`, but never longer than `longest` in all."""

    quiet: float = 0.05
    longest: float = 0.25

    def due(self, first: float, last: float) -> float:
        """When to act on changes of which the first and the last came at these times."""
        return min(last + self.quiet, first + self.longest)


class Budget:
    """At most `burst` actions at once, and one more every `interval`."""

    def __init__(self, burst: int = 6, interval: float = 6.0) -> None:
        self._burst = burst
        self._interval = interval
        self._spent = 0.0  # in actions; becomes less as time passes
        self._seen = 0.0

    def delay(self, now: float) -> float:
        """How long to wait before the next action; 0 when it may be done at once."""
        self._pass(now)
        return max(0.0, (self._spent + 1 - self._burst) * self._interval)

    def spend(self, now: float) -> None:
        """An action is done."""
        self._pass(now)
        self._spent += 1

    def untouched(self, now: float) -> bool:
        """Whether it is like a new one."""
        self._pass(now)
        return self._spent == 0

    def _pass(self, now: float) -> None:
        self._spent = max(0.0, self._spent - max(0.0, now - self._seen) / self._interval)
        self._seen = now

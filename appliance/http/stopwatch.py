"""How long an answer takes, for the dialects that tell it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from appliance.domain.events import Finish

NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Times:
    """Nanoseconds: in all, until the first piece, and those of reading and of writing."""

    total: int
    first: int
    read: int
    said: int


@dataclass(slots=True)
class Stopwatch:
    """Runs from the request to its end; `clock` is monotonic and counts nanoseconds."""

    clock: Callable[[], int] = time.monotonic_ns
    begun: int = field(init=False)
    first: int | None = None

    def __post_init__(self) -> None:
        self.begun = self.clock()

    def piece(self) -> None:
        """A piece of the answer is there."""
        if self.first is None:
            self.first = self.clock()

    @property
    def total(self) -> int:
        """Nanoseconds so far."""
        return self.clock() - self.begun

    def times(self, finish: Finish) -> Times:
        """How long it took: reading and writing as the engine says, or as measured here."""
        now = self.clock()
        first = now if self.first is None else self.first
        read, said = first - self.begun, now - first
        if finish.timings is not None:
            read = round(finish.timings.prompt_ms * NS_PER_MS)
            said = round(finish.timings.generated_ms * NS_PER_MS)
        return Times(now - self.begun, first - self.begun, read, said)

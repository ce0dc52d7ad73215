"""When a new system is trusted, and when the device goes back to the one before."""

from __future__ import annotations

from enum import Enum

# Well for so long without a break: a service that fails soon after its start is not well.
WELL_SECONDS = 20.0
# So that within a quarter of an hour the older system is back, its own start included.
PATIENCE_SECONDS = 600.0


class Verdict(Enum):
    """What becomes of the running system."""

    WAIT = "wait"
    TRUST = "trust"
    GO_BACK = "go back"


class Trial:
    """The first start of a system, from the first look on. Time is in seconds, from anywhere."""

    def __init__(self, *, way_back: bool, patience: float = PATIENCE_SECONDS) -> None:
        self._way_back = way_back
        self._patience = patience
        self._began: float | None = None
        self._well_since: float | None = None

    def look(self, now: float, ills: tuple[str, ...]) -> Verdict:
        """What follows from what is wrong now, nothing perhaps.

        Without another system to go back to, it is waited for as long as it takes.
        """
        # Not from the machine's start: a long check of the disk says nothing about the system.
        self._began = now if self._began is None else self._began
        if ills:
            self._well_since = None
        elif self._well_since is None:
            self._well_since = now
        if self._well_since is not None and now - self._well_since >= WELL_SECONDS:
            return Verdict.TRUST
        if now - self._began >= self._patience and self._way_back and ills:
            return Verdict.GO_BACK
        return Verdict.WAIT

"""What is done against an illness: the mildest first, then what is stronger, then a rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from appliance.watchdog.illness import Illness
from appliance.watchdog.limits import Limits


class Step(StrEnum):
    """What the watchdog can do; the last two are against no illness."""

    ABORT = "abort"
    RESTART_ENGINE = "restart_engine"
    RESTART_SERVER = "restart_server"
    RESET_NPU = "reset_npu"
    REBOOT = "reboot"
    LIMIT_CLOCK = "limit_clock"
    CANARY = "canary"


STEPS: Mapping[Illness, tuple[Step, ...]] = {
    Illness.NPU_HUNG: (
        Step.ABORT,
        Step.RESTART_ENGINE,
        Step.RESTART_SERVER,
        Step.RESET_NPU,
        Step.REBOOT,
    ),
    Illness.NPU_LOST: (Step.REBOOT,),
    Illness.ENGINE_SILENT: (Step.ABORT, Step.RESTART_ENGINE, Step.RESTART_SERVER),
    Illness.CANARY_FAILED: (Step.RESTART_ENGINE, Step.RESTART_SERVER),
    Illness.SERVER_GONE: (Step.RESTART_SERVER,),
    Illness.MEMORY_SHORT: (),  # what would help is the kernel's: it ends an engine, not the server
    Illness.HOT: (),  # its cure is the limit of the clock
}

# Seconds that a step is given before the next one.
WAIT: Mapping[Step, float] = {
    Step.ABORT: 10.0,
    Step.RESTART_ENGINE: 20.0,
    Step.RESTART_SERVER: 45.0,
    Step.RESET_NPU: 20.0,
    Step.REBOOT: 120.0,
}


class Ladder:
    """The way up, against one illness of one model.

    An illness that comes back before all was calm for a while goes on where it was left.
    """

    def __init__(self, illness: Illness, limits: Limits) -> None:
        self._steps = STEPS[illness]
        self._limits = limits
        self._rung = 0
        self._ready_at = float("-inf")
        self._ill_at = float("-inf")
        self.resting = False

    def forgotten(self, at: float) -> bool:
        """Whether all was calm for so long that the next illness is a new one."""
        return at - self._ill_at > self._limits.calm and at >= self._ready_at

    def climb(self, at: float, possible: Callable[[Step], bool]) -> Step | None:
        """Say that the illness is there; the step to take now, if any."""
        if self.forgotten(at):
            self._rung = 0
        self._ill_at = at
        if at < self._ready_at:
            return None
        self.resting = False
        while self._rung < len(self._steps):
            step = self._steps[self._rung]
            self._rung += 1
            if possible(step):
                self._ready_at = at + WAIT[step]
                return step
        self._rung = 0
        self._ready_at = at + self._limits.rest
        self.resting = True
        return None

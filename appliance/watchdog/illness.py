"""What can be wrong, and how it is told from what only looks like it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from appliance.system.rknpu_log import NpuEvent
from appliance.watchdog.limits import Limits
from appliance.watchdog.readings import Heartbeat, Readings

_MEMORY_SHORT_S = 30.0
_CANARIES = 2  # in a row: one may have met a restart
_NEVER = float("-inf")


class Illness(StrEnum):
    """What is wrong."""

    NPU_HUNG = "npu_hung"
    NPU_LOST = "npu_lost"
    ENGINE_SILENT = "engine_silent"
    CANARY_FAILED = "canary_failed"
    SERVER_GONE = "server_gone"
    MEMORY_SHORT = "memory_short"
    HOT = "hot"


@dataclass(frozen=True, slots=True)
class Finding:
    """An illness, the model that has it if it is one's, and a sentence about it."""

    illness: Illness
    model: str | None
    detail: str


class Examiner:
    """Remembers, between readings, only when something last moved."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._interrupts: int | None = None
        self._job_at = _NEVER
        self._stuck_at = _NEVER
        self._lost_at: float | None = None
        self._npu_tokens: int | None = None
        self._answered_at = _NEVER
        self._pressed_at: float | None = None
        self._canaries = 0

    @property
    def npu_is_lost(self) -> bool:
        """Whether the driver has given the NPU up, as far as is known."""
        return self._lost_at is not None

    def examine(self, now: Readings, speed: float = 1.0, canary: str = "") -> tuple[Finding, ...]:
        """What is wrong now. `speed` is the share of its clock that the NPU was left with,
        `canary` the model that the last small inference was for.
        """
        self._remember(now)
        found = [*self._server(now), *self._canary(now, canary), *self._memory(now)]
        found += self._lost(now)
        for beat in now.engines or ():
            found += self._engine(now, beat, speed)
        return tuple(found)

    def _remember(self, now: Readings) -> None:
        if now.interrupts is not None:
            if self._interrupts is not None and now.interrupts != self._interrupts:
                self._job_at = now.at
            self._interrupts = now.interrupts
        if any(event.is_hang for event in now.kernel):
            self._stuck_at = now.at
        if NpuEvent.RESET_FAILED in now.kernel and self._lost_at is None:
            self._lost_at = now.at
        if now.engines is not None:
            tokens = [beat.tokens for beat in now.engines if beat.on_npu]
            if tokens:
                if self._npu_tokens is not None and sum(tokens) > self._npu_tokens:
                    self._lost_at = None  # it works, whatever the driver said
                self._npu_tokens = sum(tokens)
        if now.engines is not None or self._answered_at == _NEVER:
            self._answered_at = now.at
        if (now.memory_pressure or 0.0) < self._limits.pressed_percent:
            self._pressed_at = None
        elif self._pressed_at is None:
            self._pressed_at = now.at

    def _engine(self, now: Readings, beat: Heartbeat, speed: float) -> Iterator[Finding]:
        if not beat.running or beat.silent_s is None:
            return
        allowance = beat.allowance_s / speed
        if why := beat.on_npu and self._hang(now, beat.silent_s, allowance):
            yield Finding(
                Illness.NPU_HUNG, beat.model, f"No token for {beat.silent_s:.0f} s; {why}"
            )
        elif beat.silent_s > self._limits.silent + allowance and self._pressed_at is None:
            detail = f"No sign of life for {beat.silent_s:.0f} s."
            yield Finding(Illness.ENGINE_SILENT, beat.model, detail)

    def _hang(self, now: Readings, silent: float, allowance: float) -> str:
        """Why the NPU hangs, empty if it does not."""
        stall = self._limits.stall
        heard_at = now.at - silent
        if silent <= stall:
            return ""
        if self._stuck_at > max(heard_at, self._job_at):
            return "its driver reports a job that did not come back."
        if max(now.npu_load or (0.0,)) < self._limits.pinned_percent:
            return ""
        idle = now.at - self._job_at
        if idle > stall and self._job_at > heard_at:
            return f"it is busy, but ended no job for {idle:.0f} s."
        if idle > stall and silent > stall + allowance:
            return "it is busy all the time."
        return ""

    def _lost(self, now: Readings) -> Iterator[Finding]:
        used = self._npu_tokens is not None
        if used and self._lost_at is not None and now.at - self._lost_at > self._limits.stall:
            yield Finding(Illness.NPU_LOST, None, "The driver failed to reset the NPU.")

    def _server(self, now: Readings) -> Iterator[Finding]:
        quiet = now.at - self._answered_at
        if quiet > self._limits.gone:
            yield Finding(Illness.SERVER_GONE, None, f"The server is silent for {quiet:.0f} s.")

    def _canary(self, now: Readings, model: str) -> Iterator[Finding]:
        if now.canary is None:
            return
        self._canaries = 0 if now.canary else self._canaries + 1
        if self._canaries >= _CANARIES:
            detail = f"{self._canaries} small inferences in a row failed."
            yield Finding(Illness.CANARY_FAILED, model, detail)

    def _memory(self, now: Readings) -> Iterator[Finding]:
        if self._pressed_at is not None and now.at - self._pressed_at > _MEMORY_SHORT_S:
            detail = f"Programs wait for memory {now.memory_pressure or 0:.0f} % of the time."
            yield Finding(Illness.MEMORY_SHORT, None, detail)

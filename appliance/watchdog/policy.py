"""Readings and time in, actions out: everything that the watchdog decides, without doing any."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.watchdog import heat
from appliance.watchdog.illness import Examiner, Finding, Illness
from appliance.watchdog.ladder import STEPS, Ladder, Step
from appliance.watchdog.limits import Limits
from appliance.watchdog.readings import Readings

_NPU_OF_ALL = frozenset({Illness.NPU_HUNG})  # there is one NPU, whichever model it hangs with


@dataclass(frozen=True, slots=True)
class Action:
    """A step to take; `model` is for those that are about one, `share` for the clock's limit."""

    step: Step
    model: str | None = None
    share: float = 1.0
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What is wrong and what to do now, in this order.

    `reboot_from` (seconds since boot, 0 for any time) and `share` are to be remembered over
    restarts and boots, before anything is done. `state` is well, hot, ill or helpless (all was
    tried in vain, and is tried again after a rest).
    """

    findings: tuple[Finding, ...]
    actions: tuple[Action, ...]
    reboot_from: float
    share: float
    state: str


class Policy:
    """Decides; `reboot_from` and `share` are what was remembered."""

    def __init__(self, limits: Limits, reboot_from: float, share: float = 1.0) -> None:
        self._limits = limits
        self._reboot_from = reboot_from
        self._share = share
        self._examiner = Examiner(limits)
        self._ladders: dict[tuple[Illness, str | None], Ladder] = {}
        self._busy_at: float | None = None
        self._tokens = 0
        self._canary = ""

    def decide(self, now: Readings) -> Decision:
        """What these readings ask for; called with rising times."""
        if 0 < self._reboot_from <= now.at:
            self._reboot_from = 0.0
        actions = self._cool(now)
        findings = self._examiner.examine(now, self._share, self._canary)
        if self._share < 1:
            detail = f"The NPU may have {100 * self._share:.0f} % of its clock."
            findings = (*findings, Finding(Illness.HOT, None, detail))
        for key in [key for key, ladder in self._ladders.items() if ladder.forgotten(now.at)]:
            del self._ladders[key]
        actions += [action for finding in findings for action in self._help(now, finding)]
        actions += self._try_out(now, findings)
        state = self._state(findings)
        return Decision(findings, tuple(actions), self._reboot_from, self._share, state)

    def _help(self, now: Readings, finding: Finding) -> list[Action]:
        def possible(step: Step) -> bool:
            if step is Step.REBOOT:
                return self._limits.reboot and self._reboot_from == 0
            return step is not Step.RESET_NPU or (now.can_reset and not self._examiner.npu_is_lost)

        if not STEPS[finding.illness]:
            return []
        model = None if finding.illness in _NPU_OF_ALL else finding.model
        key = finding.illness, model
        ladder = self._ladders.setdefault(key, Ladder(finding.illness, self._limits))
        step = ladder.climb(now.at, possible)
        if step is None:
            return []
        if step is Step.REBOOT:
            self._reboot_from = now.at + self._limits.reboot_apart
        return [Action(step, finding.model, finding=finding)]

    def _cool(self, now: Readings) -> list[Action]:
        share = heat.share(now.temperatures, self._limits.hot_celsius, self._share)
        if share == self._share:
            return []
        self._share = share
        return [Action(Step.LIMIT_CLOCK, share=share)]

    def _try_out(self, now: Readings, findings: tuple[Finding, ...]) -> list[Action]:
        """A small inference, when nothing was asked for a while."""
        engines = now.engines or ()
        tokens = sum(beat.tokens for beat in engines)
        if self._busy_at is None or tokens != self._tokens or any(e.running for e in engines):
            self._busy_at = now.at
        self._tokens = tokens
        loaded = [beat for beat in engines if beat.state == "loaded"]
        due = now.at - self._busy_at >= self._limits.canary > 0
        if not due or findings or not loaded:
            return []
        self._busy_at = now.at
        self._canary = max(loaded, key=lambda beat: beat.on_npu).model
        return [Action(Step.CANARY, self._canary)]

    def _state(self, findings: tuple[Finding, ...]) -> str:
        if not findings:
            return "well"
        if all(finding.illness is Illness.HOT for finding in findings):
            return "hot"
        return "helpless" if any(each.resting for each in self._ladders.values()) else "ill"

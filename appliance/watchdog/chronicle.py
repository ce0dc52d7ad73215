"""Decisions as they are written down: each illness an incident, each step counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from msgspec import structs

from appliance.watchdog.illness import Finding, Illness
from appliance.watchdog.ladder import Step
from appliance.watchdog.ledger import Incident, Ledger
from appliance.watchdog.policy import Action, Decision

_CURED = 60.0  # seconds without a sign of it
_KEPT = 100

Key = tuple[Illness, str | None]


@dataclass(slots=True)
class _Case:
    incident: Incident
    seen_at: float


class Chronicle:
    """Goes on from `ledger`."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._counts = Counter(ledger.counts)
        self._old = ledger.incidents
        self._open: dict[Key, _Case] = {}

    def note(self, decision: Decision, at: float, now: datetime) -> bool:
        """Take a decision into the ledger; whether that is worth saving.

        `at` is in seconds since boot, `now` what the clock says.
        """
        before = self.ledger
        for finding in decision.findings:
            self._see(finding, at, now)
        for action in decision.actions:
            self._count(action)
        for key in [key for key, case in self._open.items() if at - case.seen_at > _CURED]:
            self._close(key)
        running = tuple(case.incident for case in self._open.values())
        self.ledger = Ledger(
            boot=before.boot,
            reboot_from=decision.reboot_from,
            share=decision.share,
            state=decision.state,
            counts=dict(self._counts),
            incidents=(*self._old, *running)[-_KEPT:],
        )
        return self.ledger != before

    def _see(self, finding: Finding, at: float, now: datetime) -> None:
        key = finding.illness, finding.model
        if case := self._open.get(key):
            case.seen_at = at
            return
        self._counts[finding.illness.value] += 1
        began = now.isoformat(timespec="seconds")
        incident = Incident(finding.illness.value, began, round(at, 1), finding.detail, key[1])
        self._open[key] = _Case(incident, at)

    def _count(self, action: Action) -> None:
        if action.step is Step.CANARY:
            return  # often, and no news
        self._counts[action.step.value] += 1
        if action.finding is not None:
            case = self._open[action.finding.illness, action.finding.model]
            steps = (*case.incident.steps, action.step.value)
            case.incident = structs.replace(case.incident, steps=steps)

    def _close(self, key: Key) -> None:
        case = self._open.pop(key)
        lasted = round(case.seen_at - case.incident.uptime_s, 1)
        self._old = (*self._old, structs.replace(case.incident, lasted_s=lasted))[-_KEPT:]

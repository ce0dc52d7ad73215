"""The loop: look, decide, remember, act."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from appliance.errors import LunaError
from appliance.watchdog import ledger
from appliance.watchdog.chronicle import Chronicle
from appliance.watchdog.ladder import Step
from appliance.watchdog.policy import Action, Decision, Policy
from appliance.watchdog.readings import Readings

_log = logging.getLogger(__name__)


class Sight(Protocol):
    """Who looks; see `eyes.Eyes`."""

    def look(self, canary: bool | None = None) -> Readings:
        """Everything as it is now."""


class Doer(Protocol):
    """Who acts; see `hands.Hands`."""

    async def take(self, action: Action) -> None:
        """Take a step; raises LunaError."""

    async def sing(self, model: str) -> bool:
        """A small inference; whether a token came."""


class Watchdog:
    """`folder` is where the chronicle is kept; `tick` is called after every look."""

    def __init__(
        self,
        eyes: Sight,
        policy: Policy,
        hands: Doer,
        chronicle: Chronicle,
        folder: Path,
        tick: Callable[[], object] = lambda: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._eyes = eyes
        self._policy = policy
        self._hands = hands
        self._chronicle = chronicle
        self._folder = folder
        self._tick = tick
        self._now = now
        self._canary: asyncio.Task[bool] | None = None
        self._known: set[str] = set()
        self._saved: bool | None = None  # None before the first time

    async def run(self, stop: asyncio.Event, interval: float) -> None:
        """Look every `interval` seconds until `stop`."""
        try:
            while not stop.is_set():
                await self.step()
                try:
                    async with asyncio.timeout(interval):
                        await stop.wait()
                except TimeoutError:
                    continue
        finally:
            if self._canary is not None:
                self._canary.cancel()

    async def step(self) -> Decision:
        """Once: look, decide, remember, act."""
        readings = await asyncio.to_thread(self._eyes.look, self._song())
        decision = self._policy.decide(readings)
        remembered = self._remember(decision, readings.at)
        self._tell(decision)
        for action in decision.actions:
            if action.step is Step.REBOOT and not remembered:
                _log.error("no reboot: it could not be remembered, so it might come again")
            elif action.step is Step.CANARY:
                self._canary = asyncio.create_task(self._hands.sing(action.model or ""))
            else:
                await self._take(action)
        self._tick()
        return decision

    def _remember(self, decision: Decision, at: float) -> bool:
        """Save what is new; whether nothing is left unsaved."""
        if not self._chronicle.note(decision, at, self._now()) and self._saved:
            return True
        try:
            ledger.save(self._folder, self._chronicle.ledger)
        except OSError as error:
            if self._saved is not False:  # told once, tried every time
                _log.error("incidents cannot be saved: %s; set watchdog.folder", error)
            self._saved = False
        else:
            self._saved = True
        return self._saved

    async def _take(self, action: Action) -> None:
        what = f"{action.step} {action.model or ''}".rstrip()
        if action.step is Step.LIMIT_CLOCK:
            what = f"{what} to {100 * action.share:.0f} %"
        _log.warning("%s", what)
        try:
            await self._hands.take(action)
        except LunaError as error:
            _log.error("%s failed: %s", what, error)

    def _tell(self, decision: Decision) -> None:
        """Log what is new, and what is over."""
        seen = {f"{each.illness} {each.model or ''}".rstrip(): each for each in decision.findings}
        for name in sorted(seen.keys() - self._known):
            _log.warning("%s: %s", name, seen[name].detail)
        for name in sorted(self._known - seen.keys()):
            _log.info("%s is over", name)
        self._known = set(seen)

    def _song(self) -> bool | None:
        """How the last canary ended, once."""
        if self._canary is None or not self._canary.done():
            return None
        done, self._canary = self._canary, None
        return done.result()

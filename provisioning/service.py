"""The service: it watches NetworkManager, asks the machine what to do, and has it done."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from appliance.errors import Retryable
from appliance.system.bus import BusError, BusLost, NoAnswer, Signal
from provisioning import hotspot, outlook, permissions
from provisioning.credentials import Credentials
from provisioning.join import join
from provisioning.machine import begin, step
from provisioning.means import Means
from provisioning.nm import manager
from provisioning.nm.link import NetworkManagerError
from provisioning.nm.names import ACTIVE, DEVICE, IP4, IP6, ROOT, SERVICE
from provisioning.outlook import Guests
from provisioning.results import Outcome, Result, result
from provisioning.retry import retry
from provisioning.situation import (
    Action,
    Asked,
    Ended,
    Event,
    Limits,
    Model,
    Seen,
    State,
    Tick,
    World,
)

_SETTLE: Final = 0.3  # signals come in bursts
_LOOK_EVERY: Final = 15.0  # guests come and go without a signal
_TRIES: Final = 3  # a busy NetworkManager refuses what it grants a moment later
_AGAIN: Final = 1.0
_TELLING: Final = frozenset({SERVICE, DEVICE, ACTIVE, IP4, IP6})
_MEMBERS: Final = frozenset({"StateChanged", "DeviceAdded", "DeviceRemoved", "NewConnection"})
_log = logging.getLogger(__name__)


class Busy(Retryable):
    """A join is under way, or NetworkManager is not there."""

    code = "wifi_busy"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A join that has ended; attempts are counted from 1."""

    number: int
    result: Result


class Service:
    """Runs in one event loop, from `run` until it is cancelled."""

    def __init__(self, means: Means, limits: Limits, guests: Guests) -> None:
        self.means = means
        self._limits = limits
        self._guests = guests
        self._present = False  # somebody is NetworkManager
        self._stirred = asyncio.Event()
        self._rescheduled = asyncio.Event()
        self._looking = asyncio.Lock()
        self._radio = asyncio.Lock()  # one procedure at a time, and its clean-up belongs to it
        self._current: asyncio.Task[None] | None = None
        self._procedures: set[asyncio.Task[None]] = set()  # with those that still clean up
        self._wanted: Credentials | None = None
        self._name = b""  # of the network of the last join
        self._cut_short = Outcome.CANCELLED
        self._listeners: list[Callable[[], None]] = []
        self.model: Model = begin(means.clock.now(), limits)
        self.number = 0
        self.attempt: Attempt | None = None
        self._ended: Attempt | None = None  # not told yet
        self.problems: tuple[str, ...] = ()

    @property
    def joining(self) -> bytes | None:
        """Name of the network that is being joined."""
        return self._name if self.model.state is State.JOINING else None

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` when the state, or the result of a join, may have changed."""
        self._listeners.append(listener)

    async def run(self) -> None:
        """Work until cancelled, or until the bus is lost; leaves nothing behind."""
        bus = self.means.link.bus
        await bus.watch(SERVICE, ROOT, self._hear)
        self._present = await bus.follow(SERVICE, self._hear_owner)
        self._stirred.set()
        try:
            async with asyncio.TaskGroup() as tasks:
                loops = [tasks.create_task(self._watch()), tasks.create_task(self._keep_time())]
                await bus.lost.wait()
                for loop in loops:
                    loop.cancel()
        finally:
            await self._rest()

    def join(self, credentials: Credentials) -> int:
        """Begin to join; the number under which the result will be found. Raises Busy."""
        if not self.model.world.manager:
            raise Busy("WiFi is still starting; try again in some seconds.", retry_after=5)
        if not self.model.may_join:
            raise Busy("Another network is being joined now; try again in a minute.", retry_after=5)
        self.number += 1
        self._wanted, self._name = credentials, credentials.ssid
        self._step(Asked(Action.JOIN))
        return self.number

    def switch_hotspot(self, *, on: bool) -> None:
        """Start or stop the setup network, as far as there is a radio for it."""
        self._step(Asked(Action.START_HOTSPOT if on else Action.STOP_HOTSPOT))

    def stir(self) -> None:
        """Look at the world soon: something was changed."""
        self._stirred.set()

    def _hear(self, signal: Signal) -> None:
        self.means.feed.hear(signal)
        told = signal.body[0] if signal.member == "PropertiesChanged" and signal.body else ""
        if signal.member in _MEMBERS or told in _TELLING:
            self._stirred.set()

    def _hear_owner(self, present: bool) -> None:
        self._present = present
        self._stirred.set()

    async def _watch(self) -> None:
        while True:
            try:
                async with self.means.clock.limit(_LOOK_EVERY):
                    await self._stirred.wait()
                await self.means.clock.sleep(_SETTLE)
            except TimeoutError:
                pass
            self._stirred.clear()
            await self._look()

    async def _look(self) -> None:
        """See the world; without NetworkManager there is nothing to see."""
        async with self._looking:  # what was seen first is told first
            self._step(Seen(await self._see()))

    async def _see(self) -> World:
        for _ in range(_TRIES):
            try:
                if not self.model.world.manager:
                    await self._check_permissions()
                return await outlook.look(self.means, self._guests)
            except (NetworkManagerError, BusError) as error:
                if self.model.world.manager:
                    _log.warning("NetworkManager cannot be asked: %s", error)
                if not self._present or isinstance(error, (NoAnswer, BusLost)):
                    break
            await self.means.clock.sleep(_AGAIN)
        return World()

    async def _check_permissions(self) -> None:
        self.problems = permissions.problems(await manager.permissions(self.means.link))
        for problem in self.problems:
            _log.error("%s", problem)

    async def _keep_time(self) -> None:
        while True:
            self._rescheduled.clear()
            until, now = self.model.until, self.means.clock.now()
            try:
                async with self.means.clock.limit(None if until is None else max(until - now, 0.0)):
                    await self._rescheduled.wait()
            except TimeoutError:
                self._step(Tick())

    def _step(self, event: Event) -> None:
        before = self.model
        self.model, actions = step(before, event, self.means.clock.now(), self._limits)
        if self.model.state is not before.state:
            _log.info("%s, was %s", self.model.state, before.state)
        if isinstance(event, Tick):
            self._cut_short = Outcome.TIMED_OUT
        for action in actions:
            self._begin(action)
        self._cut_short = Outcome.CANCELLED
        if self._ended is not None and self.model.state is not State.JOINING:
            # Only now: whoever reads the result may try again at once.
            self.attempt, self._ended = self._ended, None
            self._tell()
        if self.model.until != before.until:
            self._rescheduled.set()
        if self.model != before:
            self._tell()

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()

    def _begin(self, action: Action) -> None:
        procedures: dict[Action, Callable[[], Awaitable[bool]]] = {
            Action.START_HOTSPOT: self._start_hotspot,
            Action.STOP_HOTSPOT: self._stop_hotspot,
            Action.JOIN: self._join,
            Action.RETRY: lambda: retry(self.means),
        }
        self._cancel()
        if self._wanted is not None and action is not Action.JOIN:
            self._finish(result(self._wanted.ssid, self._cut_short))
        if action in procedures:
            carried_out = self._carry_out(action, procedures[action])
            self._current = asyncio.get_running_loop().create_task(carried_out)
            self._procedures.add(self._current)
            self._current.add_done_callback(self._procedures.discard)

    async def _carry_out(self, action: Action, procedure: Callable[[], Awaitable[bool]]) -> None:
        good = False
        async with self._radio:
            try:
                good = await procedure()
            except (NetworkManagerError, BusError) as error:
                _log.warning("%s: %s", action.name, error)
            except Exception:  # outermost loop
                _log.exception("%s failed", action.name)
            await self._look()  # the machine sees what has come of it first
        self._step(Ended(action, good))

    async def _start_hotspot(self) -> bool:
        return await hotspot.start(self.means, without_passphrase=self.model.open)

    async def _stop_hotspot(self) -> bool:
        await hotspot.stop(self.means)
        return True

    async def _join(self) -> bool:
        if self._wanted is None:
            return False
        ended = await join(self.means, self._wanted)
        self._finish(ended)
        return ended.good

    def _finish(self, ended: Result) -> None:
        """The join that is under way has a result, which is told with the next step."""
        _log.info("join number %d: %s", self.number, ended.outcome)
        self._wanted = None
        self._ended = Attempt(self.number, ended)

    def _cancel(self) -> None:
        """End the procedure; once only, for a second time would end its cleaning up."""
        if self._current is not None:
            self._current.cancel()
            self._current = None

    async def _rest(self) -> None:
        self._cancel()
        if self._procedures:
            await asyncio.wait(self._procedures)

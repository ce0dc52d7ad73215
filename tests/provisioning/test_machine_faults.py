"""Whatever happens, in whatever order: the box is in reach again within the stated bound.

A small world stands in for NetworkManager and the radio: it carries out the machine's actions, or
not, at its own pace, while networks, cables, radios and NetworkManager come and go.
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from provisioning.machine import begin, step
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

SLACK = 0.001  # rounding
SHORT = (0.0, 0.5, 3.0, 20.0, 59.0, 61.0, 301.0)


class Faults(RuleBasedStateMachine):
    """Actions take as long as they like, joins for ever if they like; faults come at any time."""

    @initialize(
        protected=st.booleans(),
        known=st.booleans(),
        radios=st.integers(1, 2),
        manager=st.booleans(),
    )
    def boot(self, protected: bool, known: bool, radios: int, manager: bool) -> None:
        self.limits = Limits(protected=protected)
        self.now = 0.0
        self.model: Model = begin(0.0, self.limits)
        self.real = World(True, radios, can_host=True, known=known)
        self.starts = True  # the radio does as it is told
        self.refuses_passphrase = False
        self.out_of_reach_since: float | None = 0.0
        self.doing: Action | None = None
        self.tell(Seen(self.real))

    def tell(self, event: Event) -> None:
        self.model, actions = step(self.model, event, self.now, self.limits)
        for action in actions:
            self.begin(action)
        self.check_reach()

    def begin(self, action: Action) -> None:
        assert self.real.manager or action is not Action.START_HOTSPOT
        self.doing = action if action in (Action.START_HOTSPOT, Action.JOIN, Action.RETRY) else None
        if action is Action.STOP_HOTSPOT:
            self.change(hosting=False, guests=0)
        elif action in (Action.JOIN, Action.RETRY) and self.real.radios == 1:
            self.change(hosting=False, guests=0, wireless=False)
        elif action is Action.START_HOTSPOT and self.real.radios == 1:
            self.change(wireless=False)
        if action is Action.START_HOTSPOT and self.can_start:
            # The bound promises that the radio needs no longer than this.
            self.start_done_by = self.now + self.limits.start - 1

    def change(self, **fields: bool | int) -> None:
        """The world changes; the machine sees it."""
        self.real = replace(self.real, **fields)  # type: ignore[arg-type]
        self.tell(Seen(self.real))

    @property
    def can_start(self) -> bool:
        return self.starts and not (self.refuses_passphrase and not self.model.open)

    @property
    def in_reach(self) -> bool:
        return self.real.connected or self.real.hosting

    @property
    def excused(self) -> bool:
        """Nothing can be done, or was not to be done any more."""
        able = self.real.manager and self.real.can_host and self.starts
        return not able or self.refuses_passphrase or self.model.state is State.CLOSED

    @rule(seconds=st.sampled_from((*SHORT, 1801.0)))
    def time_passes(self, seconds: float) -> None:
        end = self.now + seconds
        while True:
            due = [end]
            if self.model.until is not None:
                due.append(max(self.model.until, self.now))
            starting = self.doing is Action.START_HOTSPOT and self.can_start
            if starting:
                due.append(max(self.start_done_by, self.now))
            self.now = min(due)
            self.check_reach()
            if self.now >= end:
                break
            if starting and self.now >= self.start_done_by:
                self.finish(good=True)
            else:
                before = self.model
                self.tell(Tick())
                assert before != self.model, "a deadline that changes nothing comes for ever"

    @invariant()
    def check_reach(self) -> None:
        if not hasattr(self, "doing"):
            return  # not booted yet
        if self.in_reach or self.excused:
            self.out_of_reach_since = None
        elif self.out_of_reach_since is None:
            self.out_of_reach_since = self.now
        else:
            assert self.now - self.out_of_reach_since <= self.limits.bound + SLACK, self.model

    @precondition(lambda self: self.doing is not None)
    @rule(good=st.booleans())
    def a_procedure_ends(self, good: bool) -> None:
        if self.doing is Action.START_HOTSPOT and not self.can_start:
            good = False
        elif self.doing is Action.START_HOTSPOT:
            good = True
        self.finish(good)

    def finish(self, good: bool) -> None:
        action, self.doing = self.doing, None
        assert action is not None
        if good:
            hosting = action is Action.START_HOTSPOT
            self.change(hosting=hosting or self.real.hosting)
            if not hosting and self.real.manager and self.real.radios:
                self.change(wireless=True, known=True)
        self.tell(Ended(action, good))

    @rule()
    def someone_asks_to_join(self) -> None:
        if self.model.may_join:
            self.someone_is_there()
        self.tell(Asked(Action.JOIN))

    def someone_is_there(self) -> None:
        """Who asks for something waits for it: the bound counts from here."""
        self.out_of_reach_since = None if self.out_of_reach_since is None else self.now

    @rule(action=st.sampled_from([Action.START_HOTSPOT, Action.STOP_HOTSPOT]))
    def someone_switches_the_setup_network(self, action: Action) -> None:
        self.someone_is_there()
        self.tell(Asked(action))

    @rule(wired=st.booleans())
    def a_cable(self, wired: bool) -> None:
        self.change(wired=wired and self.real.manager)

    @rule(wireless=st.booleans())
    def a_network_goes_or_comes_by_itself(self, wireless: bool) -> None:
        free = (
            self.real.manager
            and self.real.known
            and (self.real.radios == 2 or not self.real.hosting)
        )
        self.change(wireless=wireless and free, pending=False)

    @rule(pending=st.booleans())
    def network_manager_tries_something(self, pending: bool) -> None:
        self.change(pending=pending and self.real.manager)

    @rule()
    def the_setup_network_dies(self) -> None:
        self.change(hosting=False, guests=0)

    @rule(guests=st.integers(0, 2))
    def guests_come_and_go(self, guests: int) -> None:
        self.change(guests=guests if self.real.hosting else 0)

    @rule(known=st.booleans())
    def a_network_is_forgotten_or_imported(self, known: bool) -> None:
        self.change(known=known)

    @rule(seconds=st.sampled_from(SHORT), radios=st.integers(1, 2))
    def network_manager_restarts(self, seconds: float, radios: int) -> None:
        known = self.real.known
        self.replace_world(World())
        self.time_passes(seconds)
        self.replace_world(World(True, radios, can_host=True, known=known))

    @rule(seconds=st.sampled_from(SHORT), can_host=st.booleans())
    def the_radio_is_reset(self, seconds: float, can_host: bool) -> None:
        was = replace(self.real, wireless=False, hosting=False, guests=0, pending=False)
        radios = self.real.radios if can_host else 0
        self.replace_world(replace(was, radios=radios, can_host=False))
        self.time_passes(seconds)
        self.replace_world(was)

    def replace_world(self, world: World) -> None:
        """What was under way is lost, and joins hang."""
        self.doing = None if self.doing is Action.START_HOTSPOT else self.doing
        self.real = world
        self.tell(Seen(world))

    @rule(seconds=st.sampled_from(SHORT), starts=st.booleans())
    def the_radio_refuses(self, seconds: float, starts: bool) -> None:
        self.starts, self.refuses_passphrase = starts, True
        self.time_passes(seconds)
        self.starts, self.refuses_passphrase = True, False
        self.start_done_by = self.now + self.limits.start - 1


TestFaults = Faults.TestCase
TestFaults.settings = settings(max_examples=150, stateful_step_count=60)

"""The rules one by one, then all of them against any sequence of faults."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provisioning.machine import begin, step
from provisioning.situation import (
    Action,
    Asked,
    Ended,
    Event,
    Limits,
    Model,
    Phase,
    Seen,
    State,
    Tick,
    World,
)

LIMITS = Limits()
FRESH = World(manager=True, radios=1, can_host=True)
KNOWN = replace(FRESH, known=True)
START, STOP = Action.START_HOTSPOT, Action.STOP_HOTSPOT


class Machine:
    """The machine with a clock that tests turn."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.now = 0.0
        self.limits = limits
        self.model: Model = begin(0.0, limits)

    def tell(self, event: Event) -> tuple[Action, ...]:
        self.model, actions = step(self.model, event, self.now, self.limits)
        return actions

    def see(self, world: World) -> tuple[Action, ...]:
        return self.tell(Seen(world))

    def wait(self, seconds: float) -> tuple[Action, ...]:
        """Let time pass; all actions that came of it."""
        end = self.now + seconds
        actions: tuple[Action, ...] = ()
        while self.model.until is not None and self.model.until <= end:
            self.now = max(self.now, self.model.until)
            before = self.model
            actions += self.tell(Tick())
            assert self.model != before or actions, "a deadline that changes nothing never ends"
        self.now = end
        return actions

    def hosting(self, world: World = FRESH) -> World:
        """Reach a setup network that is up; what is seen then."""
        actions = self.see(world) or self.wait(self.limits.boot)
        assert actions == (START,)
        up = replace(world, hosting=True)
        assert self.see(up) == ()
        assert self.tell(Ended(START, good=True)) == ()
        assert self.model.phase is Phase.UP
        return up

    def state(self) -> State:
        return self.model.state


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_a_fresh_box_opens_its_setup_network_at_once(machine: Machine) -> None:
    assert machine.see(FRESH) == (START,)
    assert machine.state() is State.HOTSPOT


def test_a_cable_that_is_being_configured_is_waited_for(machine: Machine) -> None:
    assert machine.see(replace(FRESH, pending=True)) == ()
    assert machine.see(replace(FRESH, wired=True)) == ()
    assert machine.state() is State.WIRED


def test_a_known_network_gets_time_after_a_power_cut(machine: Machine) -> None:
    assert machine.see(KNOWN) == ()
    assert machine.wait(LIMITS.boot - 1) == ()
    assert machine.see(replace(KNOWN, wireless=True)) == ()
    assert machine.state() is State.ONLINE


def test_a_known_network_that_stays_away_ends_in_the_setup_network(machine: Machine) -> None:
    assert machine.see(KNOWN) == ()
    assert machine.wait(LIMITS.boot) == (START,)


def test_a_network_manager_that_comes_late_gets_the_rest_of_the_time(machine: Machine) -> None:
    assert machine.see(World()) == ()
    assert machine.state() is State.WAITING
    assert machine.wait(5) == ()
    assert machine.see(KNOWN) == ()
    assert machine.wait(LIMITS.boot - 6) == ()
    assert machine.wait(1) == (START,)


def test_a_radio_that_comes_late_is_used(machine: Machine) -> None:
    machine.see(World(manager=True))
    assert machine.state() is State.WAITING
    machine.wait(1000)
    assert machine.see(FRESH) == (START,)


def test_the_setup_network_goes_when_a_cable_works(machine: Machine) -> None:
    up = machine.hosting()
    assert machine.see(replace(up, wired=True)) == (STOP,)
    assert machine.state() is State.WIRED
    assert machine.see(replace(FRESH, wired=True)) == ()
    assert machine.model.until is None


def test_a_guest_may_read_the_result_first(machine: Machine) -> None:
    up = machine.hosting(replace(FRESH, radios=2))
    assert machine.see(replace(up, guests=1)) == ()
    assert machine.tell(Asked(Action.JOIN)) == (Action.JOIN,)
    assert machine.see(replace(up, guests=1, wireless=True)) == ()
    assert machine.tell(Ended(Action.JOIN, good=True)) == ()
    assert machine.state() is State.ONLINE
    assert machine.wait(LIMITS.linger - 1) == ()
    assert machine.wait(1) == (STOP,)


def test_a_lost_network_gets_time_to_come_back(machine: Machine) -> None:
    machine.see(replace(KNOWN, wireless=True))
    assert machine.see(KNOWN) == ()
    assert machine.state() is State.LOST
    assert machine.wait(LIMITS.lost - 1) == ()
    assert machine.wait(1) == (START,)


def test_known_networks_are_tried_while_nobody_is_there(machine: Machine) -> None:
    machine.hosting(KNOWN)
    assert machine.wait(LIMITS.retry_every) == (Action.RETRY,)
    assert machine.tell(Ended(Action.RETRY, good=False)) == (START,)
    machine.see(replace(KNOWN, hosting=True))
    machine.tell(Ended(START, good=True))
    assert machine.wait(LIMITS.retry_every) == (Action.RETRY,)
    assert machine.tell(Ended(Action.RETRY, good=True)) == ()
    assert machine.state() is State.ONLINE


def test_nobody_is_thrown_off_by_a_retry(machine: Machine) -> None:
    up = machine.hosting(KNOWN)
    machine.see(replace(up, guests=1))
    assert machine.wait(10 * LIMITS.retry_every) == ()
    machine.see(up)
    assert machine.wait(LIMITS.guests_stay) == (Action.RETRY,)


def test_a_join_that_fails_brings_the_setup_network_back_at_once(machine: Machine) -> None:
    machine.hosting()
    assert machine.tell(Asked(Action.JOIN)) == (Action.JOIN,)
    machine.see(FRESH)
    assert machine.tell(Ended(Action.JOIN, good=False)) == (START,)


def test_a_join_that_never_ends_is_ended(machine: Machine) -> None:
    machine.hosting()
    machine.tell(Asked(Action.JOIN))
    machine.see(FRESH)
    assert machine.wait(LIMITS.join) == (START,)
    assert machine.tell(Ended(Action.JOIN, good=False)) == ()  # too late to matter


def test_one_join_at_a_time(machine: Machine) -> None:
    machine.hosting()
    machine.tell(Asked(Action.JOIN))
    assert not machine.model.may_join
    assert machine.tell(Asked(Action.JOIN)) == ()


def test_a_join_from_wifi_that_was_rolled_back_needs_no_setup_network(machine: Machine) -> None:
    machine.see(replace(KNOWN, wireless=True))
    assert machine.tell(Asked(Action.JOIN)) == (Action.JOIN,)
    assert machine.tell(Ended(Action.JOIN, good=False)) == ()
    assert machine.state() is State.ONLINE


def test_a_join_that_hangs_with_a_cable_in_is_ended_too(machine: Machine) -> None:
    machine.see(replace(FRESH, wired=True))
    machine.tell(Asked(Action.JOIN))
    assert machine.wait(LIMITS.join) == (Action.REST,)
    assert machine.state() is State.WIRED


def test_a_setup_network_that_fails_is_tried_again_and_again(machine: Machine) -> None:
    machine.see(FRESH)
    for pause in (*LIMITS.pauses, LIMITS.pauses[-1]):
        assert machine.tell(Ended(START, good=False)) == ()
        assert machine.wait(pause) == (START,)


def test_a_radio_that_refuses_a_passphrase_gets_an_open_setup_network(machine: Machine) -> None:
    machine.see(FRESH)
    seen = []
    for _ in range(5):
        seen.append(machine.model.open)
        machine.tell(Ended(START, good=False))
        machine.wait(LIMITS.pauses[-1])
    assert seen == [False, False, True, False, True]
    machine.tell(Ended(START, good=False))
    assert machine.wait(LIMITS.pauses[-1]) == (START,)
    assert machine.model.open
    machine.see(replace(FRESH, hosting=True))
    machine.tell(Ended(START, good=True))
    assert machine.model.only_open
    assert machine.wait(LIMITS.window) == (STOP,)


def test_a_start_that_hangs_is_a_failure(machine: Machine) -> None:
    machine.see(FRESH)
    assert machine.wait(LIMITS.start + LIMITS.pauses[0]) == (STOP, START)


def test_a_setup_network_that_dies_comes_back(machine: Machine) -> None:
    machine.hosting()
    assert machine.see(FRESH) == ()
    assert machine.wait(LIMITS.pauses[0]) == (START,)


def test_an_open_setup_network_closes_in_time() -> None:
    machine = Machine(replace(LIMITS, protected=False))
    up = machine.hosting()
    assert machine.model.open
    assert machine.wait(LIMITS.window - 10) == ()
    assert machine.wait(10) == (STOP,)
    assert machine.state() is State.CLOSED
    machine.see(FRESH)
    assert machine.wait(10 * LIMITS.window) == ()
    assert machine.tell(Asked(START)) == (START,)
    machine.see(up)
    assert machine.state() is State.HOTSPOT


def test_a_guest_keeps_an_open_setup_network_no_longer_than_twice_its_time() -> None:
    machine = Machine(replace(LIMITS, protected=False))
    machine.see(replace(machine.hosting(), guests=1))
    assert machine.wait(2 * LIMITS.window - 1) == ()
    assert machine.wait(LIMITS.guests_stay) == (STOP,)


def test_a_closed_box_notices_its_network(machine: Machine) -> None:
    machine = Machine(replace(LIMITS, protected=False))
    machine.hosting(KNOWN)
    while machine.state() is not State.CLOSED:
        if Action.RETRY in machine.wait(LIMITS.retry_every):
            machine.tell(Ended(Action.RETRY, good=False))
            machine.see(replace(KNOWN, hosting=True))
            machine.tell(Ended(START, good=True))
    assert machine.see(replace(KNOWN, wireless=True)) == ()
    assert machine.state() is State.ONLINE
    machine.see(KNOWN)
    assert machine.wait(LIMITS.lost) == (START,), "a new loss opens a new window"


def test_a_protected_setup_network_stays(machine: Machine) -> None:
    machine.hosting()
    assert machine.wait(10 * LIMITS.window) == ()
    assert machine.state() is State.HOTSPOT


def test_a_setup_network_that_was_asked_for_stays_beside_a_cable(machine: Machine) -> None:
    wired = replace(FRESH, wired=True)
    machine.see(wired)
    assert machine.tell(Asked(START)) == (START,)
    machine.see(replace(wired, hosting=True))
    machine.tell(Ended(START, good=True))
    assert machine.wait(LIMITS.window - 10) == ()
    assert machine.wait(10) == (STOP,)
    machine.see(wired)
    assert machine.state() is State.WIRED


def test_a_setup_network_is_stopped_on_request(machine: Machine) -> None:
    machine.hosting(KNOWN)
    assert machine.tell(Asked(STOP)) == (STOP,)
    machine.see(KNOWN)
    assert machine.state() is State.LOST
    assert machine.wait(LIMITS.lost) == (START,)


def test_nothing_is_asked_of_a_radio_that_is_not_there(machine: Machine) -> None:
    machine.see(World(manager=True))
    assert machine.tell(Asked(START)) == ()
    assert machine.tell(Asked(STOP)) == ()
    machine.see(World())
    assert machine.tell(Asked(Action.JOIN)) == ()


@pytest.mark.parametrize("action", [Action.JOIN, Action.RETRY, START])
def test_network_manager_may_go_and_come_in_every_state(machine: Machine, action: Action) -> None:
    machine.hosting(KNOWN)
    if action is Action.JOIN:
        machine.tell(Asked(action))
    elif action is Action.RETRY:
        machine.wait(LIMITS.retry_every)
    machine.see(World())
    assert machine.state() is State.WAITING
    machine.tell(Ended(action, good=False))
    assert machine.state() is State.WAITING
    machine.see(KNOWN)
    assert machine.wait(LIMITS.boot) == (START,)


def test_the_bound_is_what_it_says() -> None:
    assert LIMITS.bound == 125.0

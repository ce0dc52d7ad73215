"""The rules of staying in reach, without any I/O: events and time in, actions out.

A person reaches the box by cable, by the WiFi network it has joined, or by its own setup network.
`step` sees to it that one of the three comes back within `Limits.bound` seconds of any fault, as
long as there is a NetworkManager with a radio that can be an access point.

One procedure is under way at a time: an action replaces the one before it, and its end comes back
as an event that bears the action's name. States have deadlines, so that a procedure that never ends
does no harm.
"""

from __future__ import annotations

from dataclasses import replace

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
)

Step = tuple[Model, tuple[Action, ...]]


def begin(now: float, limits: Limits) -> Model:
    """The machine as it starts; nothing was seen yet."""
    return Model(State.BOOTING, now, now, now + limits.boot)


def step(model: Model, event: Event, now: float, limits: Limits) -> Step:
    """What follows from `event` at the time `now`, which never runs backwards."""
    if isinstance(event, Asked):
        return _ask(model, event.action, now, limits)
    if isinstance(event, Ended):
        return _end(model, event, now, limits)
    if isinstance(event, Seen):
        model = replace(model, world=event.world)
    return _look(model, now, limits)


def _ask(model: Model, action: Action, now: float, limits: Limits) -> Step:
    if action is Action.JOIN and model.may_join:
        return _enter(model, State.JOINING, now, now + limits.join), (Action.JOIN,)
    if action is Action.START_HOTSPOT and model.world.can_host:
        if model.state is State.HOTSPOT and model.phase is Phase.UP:
            return replace(model, asked=True, opened=now), ()
        return _host(replace(model, failures=0, asked=True, opened=now), now, limits)
    if action is Action.STOP_HOTSPOT and (model.world.hosting or model.state is State.HOTSPOT):
        model = _settled(model, now, limits) or _lose(model, now, limits)
        return replace(model, opened=None), (Action.STOP_HOTSPOT,)
    return model, ()


def _end(model: Model, event: Ended, now: float, limits: Limits) -> Step:
    state, action = model.state, event.action
    if state is State.HOTSPOT and action is Action.START_HOTSPOT and model.phase is Phase.STARTING:
        if not event.good:
            return _pause(model, now, limits), ()
        only_open = model.open and limits.protected
        model = replace(model, phase=Phase.UP, failures=0, only_open=only_open)
        return replace(model, until=_next_look(model, now, limits)), ()
    if (state, action) in ((State.JOINING, Action.JOIN), (State.RETRYING, Action.RETRY)):
        if event.good:  # the next observation says so too
            model = replace(model, world=replace(model.world, wireless=True))
        elif state is State.RETRYING or not model.world.connected:
            return _host(model, now, limits)
        return _settled(model, now, limits) or model, ()
    return model, ()


def _look(model: Model, now: float, limits: Limits) -> Step:
    """Compare what is with what should be; the deadline counts when nothing else changed."""
    due = model.until is not None and now >= model.until
    if model.state in (State.JOINING, State.RETRYING):
        return _look_at_procedure(model, now, limits, due=due)
    if model.state is State.HOTSPOT:
        return _look_at_hotspot(model, now, limits, due=due)
    if settled := _settled(model, now, limits):
        return _look_at_leftover(settled, now, limits)
    if not (model.world.manager and model.world.can_host):
        return _enter(model, State.WAITING, now, None), ()
    if model.state is State.WAITING:
        patience = max(now + limits.settle, model.started + limits.boot)
        return _look(_enter(model, State.BOOTING, now, patience), now, limits)
    if model.state in (State.WIRED, State.ONLINE):
        return _lose(model, now, limits), ()
    nothing_to_wait_for = not (model.world.known or model.world.pending)
    if due or (model.state is State.BOOTING and nothing_to_wait_for):
        return _host(model, now, limits)
    return model, ()


def _look_at_procedure(model: Model, now: float, limits: Limits, *, due: bool) -> Step:
    if not model.world.manager:
        return _enter(model, State.WAITING, now, None), ()
    if not due:
        return model, ()
    if settled := _settled(model, now, limits):
        return settled, (Action.REST,)
    return _host(model, now, limits)


def _look_at_hotspot(model: Model, now: float, limits: Limits, *, due: bool) -> Step:
    world = model.world
    if not (world.manager and world.can_host):
        return _settled(model, now, limits) or _enter(model, State.WAITING, now, None), ()
    if world.connected and not model.asked:
        settled = _settled(model, now, limits) or model
        if model.phase is Phase.STARTING:
            return settled, (Action.STOP_HOTSPOT,)
        return _look_at_leftover(settled, now, limits)
    if model.phase is Phase.UP and not world.hosting:
        return _pause(model, now, limits), ()
    if not due:
        return model, ()
    if model.phase is Phase.STARTING:
        return _pause(model, now, limits), (Action.STOP_HOTSPOT,)
    if model.phase is Phase.PAUSED:
        return _host(model, now, limits)
    if _window_over(model, now, limits):
        return _close(model, now, limits)
    if world.known and not world.guests and not model.asked and world.radios == 1:
        return _enter(model, State.RETRYING, now, now + limits.retry), (Action.RETRY,)
    return replace(model, until=_next_look(model, now, limits)), ()


def _look_at_leftover(model: Model, now: float, limits: Limits) -> Step:
    """In reach otherwise: the setup network goes when it was read, or nobody is on it."""
    if not model.world.hosting:
        return replace(model, until=None), ()
    if model.until is None:
        return replace(model, until=now + (limits.linger if model.world.guests else 0.0)), ()
    if now < model.until:
        return model, ()
    return replace(model, until=now + limits.linger), (Action.STOP_HOTSPOT,)


def _settled(model: Model, now: float, limits: Limits) -> Model | None:
    """The state of a box that is in reach; None if it is not."""
    if not model.world.connected:
        return None
    state = State.ONLINE if model.world.wireless else State.WIRED
    if model.state is state:
        return model
    until = now + limits.linger if model.world.hosting and model.world.guests else now
    model = _enter(model, state, now, until)
    return replace(model, failures=0, asked=False, opened=None)


def _lose(model: Model, now: float, limits: Limits) -> Model:
    return replace(_enter(model, State.LOST, now, now + limits.lost), asked=False)


def _host(model: Model, now: float, limits: Limits) -> Step:
    """Start the setup network, if there is a radio for it and its time is not over."""
    if not (model.world.manager and model.world.can_host):
        return _enter(model, State.WAITING, now, None), ()
    opened = now if model.opened is None else model.opened
    tries_open = model.failures >= limits.open_after and model.failures % 2 == 0
    is_open = not limits.protected or model.only_open or tries_open
    model = replace(model, opened=opened, phase=Phase.STARTING, open=is_open)
    if _window_over(model, now, limits):
        return _close(model, now, limits)
    return _enter(model, State.HOTSPOT, now, now + limits.start), (Action.START_HOTSPOT,)


def _pause(model: Model, now: float, limits: Limits) -> Model:
    pause = limits.pauses[min(model.failures, len(limits.pauses) - 1)]
    return replace(model, phase=Phase.PAUSED, failures=model.failures + 1, until=now + pause)


def _close(model: Model, now: float, limits: Limits) -> Step:
    if _has_guests(model) and _open_since(model, now) < 2 * limits.window:
        return replace(model, until=now + limits.guests_stay), ()
    if model.asked:  # the box goes back to what it did before
        return replace(_lose(model, now, limits), opened=None), (Action.STOP_HOTSPOT,)
    return _enter(model, State.CLOSED, now, None), (Action.STOP_HOTSPOT,)


def _window_over(model: Model, now: float, limits: Limits) -> bool:
    bounded = model.open or model.asked
    return bounded and _open_since(model, now) >= limits.window


def _open_since(model: Model, now: float) -> float:
    """Seconds for which a setup network has been wanted."""
    return 0.0 if model.opened is None else now - model.opened


def _has_guests(model: Model) -> bool:
    return model.state is State.HOTSPOT and model.phase is Phase.UP and model.world.guests > 0


def _next_look(model: Model, now: float, limits: Limits) -> float:
    """When a setup network that is up is thought about again."""
    wait = limits.guests_stay if model.world.guests else limits.retry_every
    if not (model.open or model.asked):
        return now + wait
    return now + min(wait, max(limits.window - _open_since(model, now), 1.0))


def _enter(model: Model, state: State, now: float, until: float | None) -> Model:
    return replace(model, state=state, since=now, until=until)

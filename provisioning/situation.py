"""What the box may be doing, what can be seen, happen and be done: the words of the machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto, unique


@unique
class State(StrEnum):
    """What the box is doing; values are part of the D-Bus interface."""

    BOOTING = "booting"  # NetworkManager may still find a network by itself
    WIRED = "wired"
    ONLINE = "online"
    LOST = "lost"  # was connected; the network may come back by itself
    HOTSPOT = "hotspot"
    JOINING = "joining"
    RETRYING = "retrying"  # the setup network makes room for a look at known networks
    CLOSED = "closed"  # the time of an open setup network is over
    WAITING = "waiting"  # no NetworkManager, or no radio that can do it


@unique
class Phase(Enum):
    """Where the setup network stands while the state is HOTSPOT."""

    STARTING = auto()
    UP = auto()
    PAUSED = auto()  # it could not be started, or died: tried again soon


@unique
class Action(Enum):
    """What the service has to do; an action ends the one before it."""

    START_HOTSPOT = auto()
    STOP_HOTSPOT = auto()
    JOIN = auto()  # what was asked for last
    RETRY = auto()  # look for known networks and join the best one
    REST = auto()  # nothing but the end of what is under way


@dataclass(frozen=True, slots=True)
class World:
    """What can be seen of the network; an observation replaces the one before it."""

    manager: bool = False  # NetworkManager answers
    radios: int = 0
    can_host: bool = False  # one of the radios can be an access point
    wired: bool = False  # a cable with a route to somewhere
    wireless: bool = False  # joined to a network
    pending: bool = False  # NetworkManager is connecting something by itself
    known: bool = False  # there is a network to come back to
    hosting: bool = False  # the setup network is up
    guests: int = 0  # phones on it

    @property
    def connected(self) -> bool:
        """In reach without the setup network."""
        return self.wired or self.wireless


@dataclass(frozen=True, slots=True)
class Seen:
    """The network was looked at."""

    world: World


@dataclass(frozen=True, slots=True)
class Ended:
    """A procedure came to its end; for START_HOTSPOT and joins `good` means that it worked."""

    action: Action
    good: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A person wants JOIN, START_HOTSPOT or STOP_HOTSPOT."""

    action: Action


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


Event = Seen | Ended | Asked | Tick


@dataclass(frozen=True, slots=True)
class Limits:
    """Patience in seconds. `protected`: the setup network has a passphrase."""

    boot: float = 45.0  # a router boots slower than a board after a power cut
    settle: float = 20.0  # after a restart of NetworkManager, or a radio that came late
    lost: float = 60.0
    join: float = 90.0
    retry: float = 60.0
    start: float = 35.0  # NetworkManager gives up on an access point after 25 s
    retry_every: float = 300.0
    guests_stay: float = 60.0  # before a retry is thought of again
    linger: float = 45.0  # a phone on the setup network reads the result
    pauses: tuple[float, ...] = (2.0, 5.0, 15.0, 40.0)
    window: float = 1800.0  # of an open setup network, or one that was asked for; twice with guests
    protected: bool = True
    open_after: int = 2  # failures; some radios refuse any access point with a passphrase

    @property
    def bound(self) -> float:
        """No longer than this out of reach, where the radio does as it is told."""
        waits = (self.boot, self.settle, self.lost, self.join, self.retry, *self.pauses)
        return max(waits) + self.start


@dataclass(frozen=True, slots=True)
class Model:
    """The whole memory of the machine; times are seconds of one clock. Start with `begin`."""

    state: State
    started: float
    since: float
    until: float | None  # the next Tick that matters
    world: World = field(default_factory=World)
    phase: Phase = Phase.PAUSED
    failures: int = 0  # setup networks in a row that did not start, or died
    asked: bool = False  # the setup network is up because somebody wanted it
    opened: float | None = None  # when the setup network was first wanted since being in reach
    open: bool = False  # the setup network goes without a passphrase
    only_open: bool = False  # it worked without, and not with one

    @property
    def may_join(self) -> bool:
        """A join that is asked for now is begun."""
        return self.world.manager and self.state is not State.JOINING

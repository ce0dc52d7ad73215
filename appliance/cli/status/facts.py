"""Everything that the screen can show, as it was at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from appliance.importing.progress import Progress
from appliance.system.addresses import Place
from appliance.system.label import Label


class State(StrEnum):
    """The device in one word; the LED shows it too."""

    SETUP = "setup"  # its own network waits for a phone
    ONLINE = "online"
    THINKING = "thinking"
    OFFLINE = "offline"  # no network, and none of its own
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Facts:
    """`setup` is the setup network while it is up, with its address.

    `serving` is False while the server does not answer; `helpless` means that the watchdog has
    tried everything. `problems` are sentences for people.
    """

    name: str
    places: tuple[Place, ...] = ()
    setup: Label | None = None
    setup_address: str = "10.42.0.1"
    serving: bool = True
    generating: bool = False
    helpless: bool = False
    model: str | None = None
    speed: str = ""
    imports: tuple[Progress, ...] = ()
    admin_key: str = ""
    problems: tuple[str, ...] = ()

    @property
    def state(self) -> State:
        """What matters most now."""
        if not self.serving or self.helpless:
            return State.FAULT
        if self.generating:
            return State.THINKING
        if self.setup is not None:
            return State.SETUP
        return State.ONLINE if self.places else State.OFFLINE

    @property
    def urls(self) -> tuple[str, ...]:
        """Where the device can be opened, the best first."""
        hosts = [_host(place.address) for place in self.places]
        named = [f"{self.name}.local"] if hosts else []
        return tuple(f"http://{host}" for host in [*named, *hosts])


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address

"""What only a device of our own has: its services, the bus between them, identity and time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from appliance.cli.doctor.check import Check, Finding, ok, problem, warning
from appliance.errors import ConfigError
from appliance.system import bus
from appliance.system.bus import BusError
from appliance.system.identity import FILE, read_identity
from appliance.system.provisioning_names import SERVICE
from appliance.system.units import Units

_DAEMON = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
_UNITS = (
    *("luna-api.service", "luna-provisioning.service", "luna-mdns.service"),
    *("luna-watchdog.service", "luna-api.socket", "luna-provisioning.socket", "luna-reset.path"),
)
_NAMES = {
    SERVICE: "sudo systemctl restart luna-provisioning.service",
    "org.freedesktop.NetworkManager": "sudo apt install network-manager wpasupplicant",
}

States = Mapping[str, str]


def is_device(root: Path = Path("/")) -> bool:
    """Whether Luna's services belong to this system, and systemd runs it."""
    folders = ("usr/lib/systemd/system", "lib/systemd/system")
    installed = any((root / each / "luna-api.service").exists() for each in folders)
    return installed and (root / "run/systemd/system").is_dir()


def checks(root: Path = Path("/")) -> Iterator[Check]:
    """Every check of a device, none on another machine."""
    if not is_device(root):
        return
    yield Check("services", lambda: services(unit_states))
    yield Check("bus names", lambda: names(name_owners))
    yield Check("identity", lambda: identity(root))
    yield Check("time", lambda: time(root))
    yield Check("hardware watchdog", lambda: watchdog(root))


def services(states: Callable[[], States]) -> Finding:
    """Whether all of Luna's services are up."""
    try:
        found = states()
    except BusError as error:
        return _no_bus("services", error)
    down = [f"{unit} is {state}" for unit, state in found.items() if state != "active"]
    if not down:
        return ok("services", f"All {len(found)} are up.")
    unit = down[0].partition(" ")[0]
    remedy = f"sudo systemctl restart luna.target; what ails it: journalctl -b -u {unit}"
    return problem("services", f"{', '.join(down)}.", remedy)


def names(owned: Callable[[], States]) -> Finding:
    """Whether those that talk on the bus are there."""
    try:
        missing = [name for name, owner in owned().items() if not owner]
    except BusError as error:
        return _no_bus("bus names", error)
    if not missing:
        return ok("bus names", "The WiFi service and NetworkManager are on the bus.")
    return problem("bus names", f"Nobody is {' or '.join(missing)}.", _NAMES[missing[0]])


def identity(root: Path) -> Finding:
    """Whether the device knows who it is."""
    try:
        who = read_identity(root=root)
    except ConfigError as error:
        return problem("identity", error.message, f"Remove it: sudo rm /etc/luna/{FILE}")
    if (root / "etc/luna" / FILE).exists():
        return ok("identity", f"This is {who.name}.")
    remedy = "sudo systemctl restart luna-firstboot.service"
    return warning("identity", f"Its first boot has not ended; it calls itself {who.name}.", remedy)


def time(root: Path) -> Finding:
    """Whether the clock was set by the network: many boards have no battery for theirs."""
    if (root / "run/systemd/timesync/synchronized").exists():
        return ok("time", "The clock was set by the network.")
    if not (root / "run/systemd/timesync").is_dir():
        return ok("time", "systemd does not set the clock here; somebody else may.")
    remedy = "Give it a network with the internet, or set it: sudo timedatectl set-time '...'"
    return warning("time", "The clock was not set by the network since the start.", remedy)


def watchdog(root: Path) -> Finding:
    """Whether the chip restarts a machine that hangs as a whole."""
    if (root / "dev/watchdog0").exists():
        return ok("hardware watchdog", "The chip restarts this machine if it hangs.")
    remedy = "Nothing needs to be done; after a hang take its power away for a moment."
    return warning("hardware watchdog", "This machine has no hardware watchdog.", remedy)


def unit_states() -> States:
    """The state of each unit, asked of systemd. Raises BusError."""
    return asyncio.run(Units().states(_UNITS))


def name_owners() -> States:
    """Who owns each name on the bus, "" for nobody. Raises BusError."""

    async def ask() -> States:
        connection = await bus.connect()
        try:
            found = {}
            for name in _NAMES:
                (owned,) = await connection.call(*_DAEMON, "NameHasOwner", "s", name)
                found[name] = "somebody" if owned else ""
            return found
        finally:
            await connection.close()

    return asyncio.run(ask())


def _no_bus(name: str, error: BusError) -> Finding:
    return problem(name, error.message, "sudo systemctl start dbus.service; run it as root")

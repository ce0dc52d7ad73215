"""The bodies of the routes about WiFi, and how they are made of what the service tells."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from appliance.system.provisioning import KnownNetwork, Network, Situation

Identifier = Annotated[str, Meta(pattern=r"^([0-9a-fA-F]{2}){1,32}$")]


class JoinBody(Struct, frozen=True):
    """`uuid` is the network's name; `id`, its bytes in hexadecimal, is for names that are no text.

    For enterprise: `identity`, `method` (peap, ttls), `anonymous`, `domain`, `certificate` (PEM).
    """

    uuid: Annotated[str, Meta(max_length=32)] = ""
    password: str = ""
    id: Identifier | None = None
    hidden: bool = False
    security: str = ""
    identity: str = ""
    method: str = ""
    anonymous: str = ""
    domain: str = ""
    certificate: str = ""


class Joined(Struct, frozen=True):
    """`stdout` has a sentence for success, `stderr` one for failure; `outcome` is for programs."""

    success: bool
    stdout: str
    stderr: str
    outcome: str
    addresses: list[str] = []


class LastJoin(Struct, frozen=True):
    """How the last join ended; `outcome` is "none" before the first and "pending" meanwhile."""

    outcome: str
    ssid: str = ""
    id: str = ""
    message: str = ""
    addresses: list[str] = []


class SetupNetwork(Struct, frozen=True):
    """The network that the device makes itself; `open` means without a password."""

    up: bool
    ssid: str
    open: bool
    address: str


class Wifi(Struct, frozen=True):
    """State of the WiFi service; `country` is empty until somebody has said it."""

    state: str
    setup_network: SetupNetwork
    last_join: LastJoin
    country: str
    problems: list[str]


class HeardNetwork(Struct, frozen=True):
    """A network on the air; `id` is its name's bytes in hexadecimal, `strength` 0 to 100."""

    ssid: str
    id: str
    security: str
    strength: int
    frequency_mhz: int
    age_s: int


class HeardNetworks(Struct, frozen=True):
    """Networks heard lately, the best first."""

    networks: list[HeardNetwork]


class SavedNetwork(Struct, frozen=True):
    """A network that is joined by itself; `used` in seconds since 1970, 0 if never."""

    ssid: str
    id: str
    hidden: bool
    used: int


class SavedNetworks(Struct, frozen=True):
    """All of them."""

    networks: list[SavedNetwork]


class Forgotten(Struct, frozen=True):
    """The saved network is gone."""

    success: bool = True


def last(now: Situation) -> LastJoin:
    """The last join, or the one under way."""
    if now.joining:
        return LastJoin("pending")
    ended = now.result
    if ended is None:
        return LastJoin("none")
    name, number = text(ended.ssid), ended.ssid.hex()
    return LastJoin(ended.outcome, name, number, ended.message, list(ended.addresses))


def heard(each: Network) -> HeardNetwork:
    """A line of the list."""
    name, number = text(each.ssid), each.ssid.hex()
    return HeardNetwork(name, number, each.security, each.strength, each.frequency, each.age)


def saved(each: KnownNetwork) -> SavedNetwork:
    """A line of the list."""
    return SavedNetwork(text(each.ssid), each.ssid.hex(), each.hidden, each.used)


def text(ssid: bytes) -> str:
    """A network's name for people; `id` is for programs."""
    return ssid.decode("utf-8", "backslashreplace")

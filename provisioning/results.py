"""How a join ended, in a word for programs and a sentence for people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique

from provisioning.credentials import printable


@unique
class Outcome(StrEnum):
    """Values are part of the D-Bus interface and of the API."""

    CONNECTED = "connected"
    WRONG_PASSWORD = "wrong_password"
    NOT_IN_RANGE = "not_in_range"
    NO_ADDRESS = "no_address"
    REFUSED = "refused"
    MISMATCH = "mismatch"
    UNSUPPORTED = "unsupported"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    UNAVAILABLE = "unavailable"


_SENTENCES = {
    Outcome.CONNECTED: "Luna is connected to {name}.",
    Outcome.WRONG_PASSWORD: "{name} did not let Luna in: the password is probably wrong. Check it "
    "(capital letters count) and try again.",
    Outcome.NOT_IN_RANGE: "Luna cannot see {name}. Move it closer to the router, or check the "
    "spelling if the network is hidden.",
    Outcome.NO_ADDRESS: "{name} let Luna in but gave it no address. Restart the router, or check "
    "that its DHCP is on.",
    Outcome.REFUSED: "{name} refused Luna. Check that the router admits new devices (no list of "
    "allowed devices) and try again.",
    Outcome.MISMATCH: "{name} is protected in another way than what was entered.",
    Outcome.UNSUPPORTED: "{name} uses a kind of protection that Luna does not support. Set the "
    "router to WPA2 or WPA3.",
    Outcome.TIMED_OUT: "{name} did not answer in time. Move Luna closer to the router and try "
    "again.",
    Outcome.CANCELLED: "The attempt to join {name} was ended before it was finished.",
    Outcome.UNAVAILABLE: "Luna's WiFi does not work now. Unplug Luna, plug it in again, and wait a "
    "minute.",
}


@dataclass(frozen=True, slots=True)
class Result:
    """`addresses` are `address/prefix` of the radio when it is connected."""

    ssid: bytes
    outcome: Outcome
    message: str
    addresses: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """It worked."""
        return self.outcome is Outcome.CONNECTED


def result(
    ssid: bytes, outcome: Outcome, message: str = "", addresses: tuple[str, ...] = ()
) -> Result:
    """A result with the usual sentence, unless there is a better one."""
    sentence = message or _SENTENCES[outcome].format(name=printable(ssid))
    return Result(ssid, outcome, sentence, addresses)

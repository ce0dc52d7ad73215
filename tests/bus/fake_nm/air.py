"""Who is on the air, and how it behaves."""

from __future__ import annotations

from dataclasses import dataclass, field

PRIVACY = 0x1
CCMP = 0x8 | 0x80
PSK, EAP, SAE, OWE = 0x100, 0x200, 0x400, 0x800

# What a base station announces: flags, WPA flags, RSN flags.
OPEN = (0, 0, 0)
WEP = (PRIVACY, 0, 0)
WPA2 = (PRIVACY, 0, CCMP | PSK)
WPA3 = (PRIVACY, 0, CCMP | SAE)
TRANSITION = (PRIVACY, 0, CCMP | PSK | SAE)
ENHANCED_OPEN = (PRIVACY, 0, CCMP | OWE)
ENTERPRISE = (PRIVACY, 0, CCMP | EAP)


@dataclass
class Base:
    """A base station; tests change it at will."""

    ssid: bytes
    flags: tuple[int, int, int] = WPA2
    secret: str = "correct horse"
    identity: str = ""
    strength: int = 60
    frequency: int = 2412
    address: str = "02:00:00:00:10:01"
    hidden: bool = False
    dhcp: bool = True
    admits: bool = True  # False: a list of allowed devices, which this one is not on
    throws_out: int = 0  # how often it lets somebody in only to end the connection at once
    leaves: bool = False  # it goes as soon as it was heard
    sae_works: bool = True  # False: it announces WPA3 and fails at it

    @property
    def protected(self) -> bool:
        return self.flags != OPEN


@dataclass
class Air:
    """All base stations that are switched on, by their address."""

    bases: dict[str, Base] = field(default_factory=dict)

    def add(self, base: Base) -> Base:
        self.bases[base.address] = base
        return base

    def remove(self, base: Base) -> None:
        self.bases.pop(base.address, None)

    def named(self, ssid: bytes) -> list[Base]:
        found = [base for base in self.bases.values() if base.ssid == ssid]
        return sorted(found, key=lambda base: -base.strength)


@dataclass
class Faults:
    """What goes wrong in the machine itself."""

    denied: set[str] = field(default_factory=set)  # polkit actions, without NetworkManager's prefix
    scan_refused_as_host: bool = False
    scan_never_ends: bool = False
    hosting_fails: bool = False
    hosting_protected_fails: bool = False
    host_dies_after: float | None = None
    silent: set[str] = field(default_factory=set)  # methods that never answer
    confused: int = 0  # how often it will not know who asks for its profiles, as when it is busy

"""This machine's addresses at one moment, for who has little memory to spare.

`netlink.py` knows more of each, and follows their changes, but takes ten megabytes for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import ifaddr


class Place(NamedTuple):
    """An interface, and an address that it has."""

    interface: str
    address: str


def read_places() -> tuple[Place, ...]:
    """Every address of this machine, loopback too."""
    return tuple(
        Place(str(adapter.name), each.ip if isinstance(each.ip, str) else each.ip[0])
        for adapter in ifaddr.get_adapters()
        for each in adapter.ips
    )


def reachable(known: Iterable[Place], sys: Path = Path("/sys")) -> tuple[Place, ...]:
    """Where others find this machine: cables before WiFi, and link-local addresses last.

    IPv6 counts only where there is nothing else, for people do not type it.
    """
    there = [
        place
        for place in known
        if _is_up(place.interface, sys) and not ip_address(place.address).is_loopback
    ]
    four = [place for place in there if ip_address(place.address).version == 4]
    six = [place for place in there if not ip_address(place.address).is_link_local]
    return tuple(sorted(four or six, key=lambda place: _rank(place, sys)))


def _rank(place: Place, sys: Path) -> tuple[bool, bool, Place]:
    wireless = (sys / "class/net" / place.interface / "phy80211").exists()
    return ip_address(place.address).is_link_local, wireless, place


def _is_up(interface: str, sys: Path) -> bool:
    """A cable that was pulled out leaves its addresses behind."""
    try:
        return (sys / "class/net" / interface / "operstate").read_text("ascii").strip() != "down"
    except (OSError, UnicodeDecodeError):
        return True

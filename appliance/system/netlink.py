"""Network interfaces and addresses, asked of the kernel; the only user of netlink.

The library runs an event loop of its own: call from plain threads, not inside a coroutine.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from appliance.errors import ReadingUnavailable

_UP = 1  # IFF_UP, netdevice(7)

_T = TypeVar("_T")


class NetlinkUnavailable(ReadingUnavailable):
    """This process may not ask the kernel about its network."""


@dataclass(frozen=True, slots=True)
class Address:
    """One address of an interface; `family` is 4 or 6, `prefix` the length of the network part."""

    interface: str
    address: str
    prefix: int
    family: int
    up: bool
    wireless: bool

    @property
    def loopback(self) -> bool:
        """Reachable from this machine alone."""
        return ipaddress.ip_address(self.address).is_loopback

    @property
    def link_local(self) -> bool:
        """Valid on its own network segment only; a client needs a scope to use it."""
        return ipaddress.ip_address(self.address).is_link_local


def addresses(sys: Path = Path("/sys")) -> tuple[Address, ...]:
    """Every address of this machine, loopback too. Raises NetlinkUnavailable."""
    return _ask(lambda kernel: tuple(_addresses(kernel, sys)))


def default_interface() -> str | None:
    """The interface of the best default route, IPv4 before IPv6; None when there is none.

    Raises NetlinkUnavailable.
    """
    return _ask(_default_interface)


def is_wireless(interface: str, sys: Path = Path("/sys")) -> bool:
    """Whether the interface is a WiFi one (cfg80211 links its radio there)."""
    folder = sys / "class/net" / interface
    return (folder / "phy80211").exists() or (folder / "wireless").exists()


def _ask(question: Callable[[Any], _T]) -> _T:
    try:
        # IPRoute leaves an event loop behind when it is refused its socket, so ask for one first.
        socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close()
        with IPRoute() as kernel:
            return question(kernel)
    except (OSError, NetlinkError) as error:
        raise NetlinkUnavailable(
            f"The network cannot be read ({error}); let the process use netlink:"
            " RestrictAddressFamilies of its unit must name AF_NETLINK."
        ) from error


def _addresses(kernel: Any, sys: Path) -> Iterator[Address]:
    links = {link["index"]: link for link in kernel.get_links()}
    for entry in kernel.get_addr():
        # On a point-to-point link IFA_ADDRESS is the other end's (rtnetlink(7)).
        address = entry.get("IFA_LOCAL") or entry.get("IFA_ADDRESS")
        link = links.get(entry["index"])
        if address is None or link is None:
            continue  # the interface went away between the two questions
        interface = str(link.get("IFLA_IFNAME"))
        yield Address(
            interface=interface,
            address=str(address),
            prefix=int(entry["prefixlen"]),
            family=6 if entry["family"] == socket.AF_INET6 else 4,
            up=bool(link["flags"] & _UP),
            wireless=is_wireless(interface, sys),
        )


def _default_interface(kernel: Any) -> str | None:
    names = {link["index"]: str(link.get("IFLA_IFNAME")) for link in kernel.get_links()}
    for family in (socket.AF_INET, socket.AF_INET6):
        routes = [route for route in kernel.get_default_routes(family) if route.get("RTA_OIF")]
        for route in sorted(routes, key=lambda route: int(route.get("RTA_PRIORITY") or 0)):
            if route.get("RTA_OIF") in names:
                return names[route.get("RTA_OIF")]
    return None

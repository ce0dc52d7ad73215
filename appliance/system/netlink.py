"""Network interfaces and addresses, asked of the kernel, and word of their changes (rtnetlink(7)).

pyroute2 speaks netlink. Its IPRSocket is used, a plain socket: an IPRoute drives an event loop of
its own, which a thread cannot that is in one already, as the advertiser's is when it looks around.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from socket import AF_INET, AF_INET6, AF_UNSPEC
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from appliance.errors import ReadingUnavailable

_UP, _LOOPBACK, _POINT_TO_POINT, _MULTICAST = 0x1, 0x8, 0x10, 0x1000  # IFF_*, netdevice(7)
_RUNNING = 0x40
_TEMPORARY, _DAD_FAILED, _DEPRECATED, _TENTATIVE = 0x1, 0x8, 0x20, 0x40  # IFA_F_*
_MAIN_TABLE, _UNICAST = 254, 1
_OPERSTATES_UP: Final = ("UP", "UNKNOWN", None)  # the latter two: whose driver does not tell it
_CHANGES: Final = ("LINK", "IPV4_IFADDR", "IPV4_ROUTE", "IPV6_IFADDR", "IPV6_ROUTE")
_PATIENCE_S: Final = 5.0
_TRIES: Final = 3

_T = TypeVar("_T")


class NetlinkUnavailable(ReadingUnavailable):
    """This process may not ask the kernel about its network."""


@dataclass(frozen=True, slots=True)
class Address:
    """One address of an interface; `family` is 4 or 6, `prefix` the length of the network part.

    `usable` is False while IPv6 still checks it for duplicates, and when it is on its way out;
    `temporary` marks an IPv6 address that is made for privacy and changes daily.
    """

    interface: str
    address: str
    prefix: int
    family: int
    up: bool
    wireless: bool
    usable: bool = True
    temporary: bool = False

    @property
    def loopback(self) -> bool:
        """Reachable from this machine alone."""
        return ipaddress.ip_address(self.address).is_loopback

    @property
    def link_local(self) -> bool:
        """Valid on its own network segment only; a client needs a scope to use it."""
        return ipaddress.ip_address(self.address).is_link_local


@dataclass(frozen=True, slots=True)
class Link:
    """An interface; `running` means that it is up and frames can pass."""

    index: int
    name: str
    running: bool
    multicast: bool
    loopback: bool
    point_to_point: bool


@dataclass(frozen=True, slots=True)
class Network:
    """All interfaces and their addresses at one moment."""

    links: tuple[Link, ...]
    addresses: tuple[Address, ...]


def network(sys: Path = Path("/sys")) -> Network:
    """Every interface and address of this machine, loopback too. Raises NetlinkUnavailable."""
    return _ask(lambda kernel: _network(kernel, sys))


def addresses(sys: Path = Path("/sys")) -> tuple[Address, ...]:
    """Every address of this machine, loopback too. Raises NetlinkUnavailable."""
    return network(sys).addresses


def default_interface() -> str | None:
    """The interface of the best default route, IPv4 before IPv6; None when there is none.

    Raises NetlinkUnavailable.
    """
    return _ask(_default_interface)


def is_wireless(interface: str, sys: Path = Path("/sys")) -> bool:
    """Whether the interface is a WiFi one (cfg80211 links its radio there)."""
    folder = sys / "class/net" / interface
    return (folder / "phy80211").exists() or (folder / "wireless").exists()


class Changes:
    """Word of changes to links, addresses and routes, from the moment it is opened.

    Raises NetlinkUnavailable. For use in one event loop.
    """

    def __init__(self) -> None:
        try:
            self._kernel = _open(_CHANGES)
        except OSError as error:
            raise _unavailable(error) from error
        self._kernel.socket.setblocking(False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._kernel.close()

    async def wait(self) -> frozenset[str]:
        """Wait for the next change; the names of interfaces whose link was down meanwhile.

        Changes that came together are told together, and which they were may be lost
        (netlink(7), ENOBUFS): ask `network()` how things are now.
        """
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        descriptor = self._kernel.fileno()
        # Not sock_recv(): cancelled at the wrong moment, it would have read what nobody gets.
        loop.add_reader(descriptor, readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(descriptor)
        return self.drain()

    def drain(self) -> frozenset[str]:
        """What `wait` would tell of the changes that are there already; does not wait."""
        lost: set[str] = set()
        while True:
            try:
                lost.update(_lost(self._kernel.get()))
            except BlockingIOError:
                return frozenset(lost)
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise _unavailable(error) from error


def _ask(question: Callable[[Any], _T]) -> _T:
    try:
        with _open() as kernel:
            return question(kernel)
    except OSError as error:
        raise _unavailable(error) from error


def _open(changes: Iterable[str] = ()) -> Any:
    """An IPRSocket that hears of these groups, RTMGRP_*. Raises OSError."""
    # Here, not above: it takes 10 MB. The command line imports this module, and with it the API
    # server, which asks nothing.
    from pyroute2 import IPRSocket
    from pyroute2.netlink import rtnl

    kernel = IPRSocket()
    kernel.socket.settimeout(_PATIENCE_S)  # opens it; bind() would hide why it could not be
    kernel.bind(sum(getattr(rtnl, f"RTMGRP_{name}") for name in changes))
    return kernel


def _unavailable(error: OSError) -> NetlinkUnavailable:
    return NetlinkUnavailable(
        f"The network cannot be read ({error}); let the process use netlink:"
        " RestrictAddressFamilies of its unit must name AF_NETLINK."
    )


def _dump(kernel: Any, kind: str, family: int = AF_UNSPEC) -> list[Any]:
    """All of a kind, RTM_GET*; asked again where they changed while being told. Raises OSError."""
    from pyroute2.netlink import NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, rtnl

    number = rtnl.RTM_NAMES[kind]
    for _ in range(_TRIES):
        request = kernel.marshal.msg_map[number]()
        request["family"] = family
        kernel.put(request, number, NLM_F_REQUEST | NLM_F_DUMP)
        *found, end = _answers(kernel)
        if not any(each["header"]["flags"] & NLM_F_DUMP_INTR for each in (*found, end)):
            break
    return found


def _answers(kernel: Any) -> Iterator[Any]:
    """Up to the message that ends a dump, and that one too."""
    while True:
        for message in kernel.get():
            if error := message["header"]["error"]:
                raise OSError(*error.args)
            yield message
            if message["event"] == "NLMSG_DONE":
                return


def _network(kernel: Any, sys: Path) -> Network:
    links = {each["index"]: each for each in _dump(kernel, "RTM_GETLINK")}
    found = _dump(kernel, "RTM_GETADDR")
    wireless = {index: is_wireless(_name(each), sys) for index, each in links.items()}
    return Network(
        tuple(_link(each) for each in links.values()),
        tuple(
            _address(each, links[each["index"]], wireless[each["index"]])
            for each in found
            if each["index"] in links  # else it came between the two questions
            and each["family"] in (AF_INET, AF_INET6)
        ),
    )


def _link(message: Any) -> Link:
    flags = message["flags"]
    return Link(
        index=message["index"],
        name=_name(message),
        running=_passes(message),
        multicast=bool(flags & _MULTICAST),
        loopback=bool(flags & _LOOPBACK),
        point_to_point=bool(flags & _POINT_TO_POINT),
    )


def _address(message: Any, link: Any, wireless: bool) -> Address:
    flags = message.get_attr("IFA_FLAGS") or message["flags"]  # these have room for eight only
    six = message["family"] == AF_INET6
    return Address(
        interface=_name(link),
        # On a point-to-point link IFA_ADDRESS is the other end's.
        address=message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS"),
        prefix=message["prefixlen"],
        family=6 if six else 4,
        up=bool(link["flags"] & _UP),
        wireless=wireless,
        usable=not flags & (_TENTATIVE | _DEPRECATED | _DAD_FAILED),
        temporary=six and bool(flags & _TEMPORARY),
    )


def _name(link: Any) -> str:
    return str(link.get_attr("IFLA_IFNAME"))


def _passes(link: Any) -> bool:
    """Frames can pass: it is up, has a carrier, and is authenticated where that is needed."""
    state = link.get_attr("IFLA_OPERSTATE")
    return state in _OPERSTATES_UP and link["flags"] & (_UP | _RUNNING) == _UP | _RUNNING


def _lost(messages: Iterable[Any]) -> set[str]:
    """Names of links that are told to be down or gone."""
    links = [
        each
        for each in messages
        if each.get("event") in ("RTM_NEWLINK", "RTM_DELLINK")
        and each["family"] == AF_UNSPEC  # AF_BRIDGE tells of ports: each is a link of its own too
    ]
    return {_name(each) for each in links if each["event"] == "RTM_DELLINK" or not _passes(each)}


def _default_interface(kernel: Any) -> str | None:
    names = {each["index"]: _name(each) for each in _dump(kernel, "RTM_GETLINK")}
    for family in (AF_INET, AF_INET6):
        routes = [each for each in _dump(kernel, "RTM_GETROUTE", family) if _is_default(each)]
        for route in sorted(routes, key=lambda each: each.get_attr("RTA_PRIORITY") or 0):
            if route.get_attr("RTA_OIF") in names:
                return names[route.get_attr("RTA_OIF")]
    return None


def _is_default(route: Any) -> bool:
    """A route of the main table to everywhere."""
    table = route.get_attr("RTA_TABLE") or route["table"]
    return (route["dst_len"], table, route["type"]) == (0, _MAIN_TABLE, _UNICAST)

"""Network interfaces and addresses, asked of the kernel, and word of their changes.

Asked without a library: pyroute2 was measured to take 10 MB and 0.13 s (on x86-64) of a process
that only wants to know its addresses, a third of all that the advertiser of `mdns` may have.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from appliance.errors import ReadingUnavailable
from appliance.system import rtnetlink
from appliance.system.rtnetlink import LinkEntry, Message

_UP, _LOOPBACK, _POINT_TO_POINT, _MULTICAST = 0x1, 0x8, 0x10, 0x1000  # IFF_*, netdevice(7)
_RUNNING = 0x40
_TEMPORARY, _DAD_FAILED, _DEPRECATED, _TENTATIVE = 0x1, 0x8, 0x20, 0x40  # IFA_F_*
_GROUPS = 0x1 | 0x10 | 0x40 | 0x100 | 0x400  # RTMGRP_: links, addresses and routes of IPv4 and 6
_DATAGRAM = 65536
_PATIENCE_S = 5.0
_TRIES = 3

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
            self._socket = _open(_GROUPS)
        except OSError as error:
            raise _unavailable(error) from error
        self._socket.setblocking(False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    async def wait(self) -> frozenset[str]:
        """Wait for the next change; the names of interfaces whose link was down meanwhile.

        Changes that came together are told together, and which they were may be lost
        (netlink(7), ENOBUFS): ask `network()` how things are now.
        """
        loop = asyncio.get_running_loop()
        try:
            data = await loop.sock_recv(self._socket, _DATAGRAM)
        except OSError as error:
            _only_full(error)
            data = b""
        return frozenset(self._lost(data)) | self.drain()

    def drain(self) -> frozenset[str]:
        """What `wait` would tell of the changes that are there already; does not wait."""
        lost: set[str] = set()
        while True:
            try:
                lost |= self._lost(self._socket.recv(_DATAGRAM))
            except BlockingIOError:
                return frozenset(lost)
            except OSError as error:
                _only_full(error)

    def _lost(self, data: bytes) -> set[str]:
        return {
            entry.name
            for message in rtnetlink.messages(data)
            if message.kind in (rtnetlink.NEW_LINK, rtnetlink.DEL_LINK)
            and (entry := rtnetlink.link(message.body))
            and (message.kind == rtnetlink.DEL_LINK or not _passes(entry))
        }


class _Kernel:
    """Answers to dump requests; each question waits for its whole answer."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._sequence = 0

    def dump(self, kind: int, family: int, parse: Callable[[bytes], _T | None]) -> list[_T]:
        """All entries that `parse` knows; asks again where they changed while being told."""
        for _ in range(_TRIES):
            entries, interrupted = self._dump(kind, family)
            if not interrupted:
                break
        return [entry for each in entries if (entry := parse(each.body)) is not None]

    def _dump(self, kind: int, family: int) -> tuple[list[Message], bool]:
        self._sequence += 1
        self._socket.send(rtnetlink.dump_request(kind, family, self._sequence))
        found: list[Message] = []
        interrupted = False
        while True:
            for message in rtnetlink.messages(self._socket.recv(_DATAGRAM)):
                if message.sequence != self._sequence:
                    continue
                interrupted |= message.interrupted
                if message.kind in (rtnetlink.DONE, rtnetlink.ERROR):
                    if number := rtnetlink.error_number(message.body):
                        raise OSError(number, os.strerror(number))
                    return found, interrupted
                found.append(message)


def _ask(question: Callable[[_Kernel], _T]) -> _T:
    try:
        with _open(0) as connection:
            connection.settimeout(_PATIENCE_S)
            return question(_Kernel(connection))
    except OSError as error:
        raise _unavailable(error) from error


def _open(groups: int) -> socket.socket:
    connection = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    try:
        connection.bind((0, groups))
    except OSError:
        connection.close()
        raise
    return connection


def _only_full(error: OSError) -> None:
    """Pass over the error that tells of changes too many for the socket's buffer."""
    if error.errno != errno.ENOBUFS:
        raise _unavailable(error) from error


def _unavailable(error: OSError) -> NetlinkUnavailable:
    return NetlinkUnavailable(
        f"The network cannot be read ({error}); let the process use netlink:"
        " RestrictAddressFamilies of its unit must name AF_NETLINK."
    )


def _network(kernel: _Kernel, sys: Path) -> Network:
    links = {each.index: each for each in kernel.dump(rtnetlink.GET_LINK, 0, rtnetlink.link)}
    found = kernel.dump(rtnetlink.GET_ADDRESS, 0, rtnetlink.address)
    wireless = {index: is_wireless(each.name, sys) for index, each in links.items()}
    return Network(
        tuple(_link(each) for each in links.values()),
        tuple(
            Address(
                interface=links[each.index].name,
                address=each.address,
                prefix=each.prefix,
                family=6 if each.family == socket.AF_INET6 else 4,
                up=bool(links[each.index].flags & _UP),
                wireless=wireless[each.index],
                usable=not each.flags & (_TENTATIVE | _DEPRECATED | _DAD_FAILED),
                temporary=each.family == socket.AF_INET6 and bool(each.flags & _TEMPORARY),
            )
            for each in found
            if each.index in links  # else it came between the two questions
        ),
    )


def _link(entry: LinkEntry) -> Link:
    return Link(
        index=entry.index,
        name=entry.name,
        running=_passes(entry),
        multicast=bool(entry.flags & _MULTICAST),
        loopback=bool(entry.flags & _LOOPBACK),
        point_to_point=bool(entry.flags & _POINT_TO_POINT),
    )


def _passes(entry: LinkEntry) -> bool:
    return entry.running and entry.flags & (_UP | _RUNNING) == _UP | _RUNNING


def _default_interface(kernel: _Kernel) -> str | None:
    names = {each.index: each.name for each in kernel.dump(rtnetlink.GET_LINK, 0, rtnetlink.link)}
    for family in (socket.AF_INET, socket.AF_INET6):
        routes = kernel.dump(rtnetlink.GET_ROUTE, family, rtnetlink.default_route)
        for route in sorted(routes, key=lambda each: each.priority):
            if route.index in names:
                return names[route.index]
    return None

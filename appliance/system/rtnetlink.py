"""The kernel's messages about links, addresses and routes, as bytes (netlink(7), rtnetlink(7)).

Pure: no socket here. Only what Luna asks for is read out of a message.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

NEW_LINK, DEL_LINK, GET_LINK = 16, 17, 18
NEW_ADDRESS, DEL_ADDRESS, GET_ADDRESS = 20, 21, 22
NEW_ROUTE, DEL_ROUTE, GET_ROUTE = 24, 25, 26
ERROR, DONE = 2, 3

_REQUEST_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_DUMP_INTERRUPTED = 0x10
_HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port
_LINK = struct.Struct("=BxHiII")  # ifinfomsg: family, type, index, flags, change
_ADDRESS = struct.Struct("=BBBBI")  # ifaddrmsg: family, prefix, flags, scope, index
_ROUTE = struct.Struct("=BBBBBBBBI")  # rtmsg: family, dst_len, …, table, …, type, flags
_ATTRIBUTE = struct.Struct("=HH")
_U32 = struct.Struct("=I")

_IFLA_IFNAME, _IFLA_OPERSTATE = 3, 16
_IFA_ADDRESS, _IFA_LOCAL, _IFA_FLAGS = 1, 2, 8
_RTA_OIF, _RTA_PRIORITY, _RTA_TABLE = 4, 6, 15
_MAIN_TABLE, _UNICAST = 254, 1
_OPERSTATES_UP = (0, 6)  # IF_OPER_UNKNOWN, which simple drivers keep, and IF_OPER_UP


@dataclass(frozen=True, slots=True)
class Message:
    """One netlink message; `body` is what follows its header."""

    kind: int
    sequence: int
    body: bytes
    interrupted: bool


@dataclass(frozen=True, slots=True)
class LinkEntry:
    """A link: `flags` are those of netdevice(7); `running` that frames can pass."""

    index: int
    name: str
    flags: int
    running: bool


@dataclass(frozen=True, slots=True)
class AddressEntry:
    """An address of the link `index`; `flags` are IFA_F_*."""

    index: int
    family: int
    prefix: int
    address: str
    flags: int


@dataclass(frozen=True, slots=True)
class RouteEntry:
    """A default route of the main table, through the link `index`."""

    index: int
    priority: int


def dump_request(kind: int, family: int, sequence: int) -> bytes:
    """Ask for all entries of a GET_ kind, of one address family or (0) of all."""
    body = struct.pack("=B15x", family)  # rtgenmsg, with room for every kind's own header
    return _HEADER.pack(_HEADER.size + len(body), kind, _REQUEST_DUMP, sequence, 0) + body


def messages(data: bytes) -> Iterator[Message]:
    """The messages of one datagram; what is cut off ends it."""
    while len(data) >= _HEADER.size:
        length, kind, flags, sequence, _ = _HEADER.unpack_from(data)
        if not _HEADER.size <= length <= len(data):
            return
        interrupted = bool(flags & _DUMP_INTERRUPTED)
        yield Message(kind, sequence, data[_HEADER.size : length], interrupted)
        data = data[_aligned(length) :]


def error_number(body: bytes) -> int:
    """The errno of an ERROR message, or of the DONE that ends a dump; 0 where all went well."""
    return -struct.unpack_from("=i", body)[0] if len(body) >= 4 else 0


def link(body: bytes) -> LinkEntry | None:
    """A NEW_LINK or DEL_LINK; None if it is none that can be read."""
    if len(body) < _LINK.size:
        return None
    family, _, index, flags, _ = _LINK.unpack_from(body)
    found = _attributes(body[_LINK.size :])
    name = found.get(_IFLA_IFNAME, b"").rstrip(b"\0").decode("utf-8", "replace")
    if family != socket.AF_UNSPEC or not name:
        return None  # AF_BRIDGE tells of ports: each is a link of its own too
    state = found.get(_IFLA_OPERSTATE, b"\0")[:1] or b"\0"
    return LinkEntry(index, name, flags, state[0] in _OPERSTATES_UP)


def address(body: bytes) -> AddressEntry | None:
    """A NEW_ADDRESS or DEL_ADDRESS of IPv4 or IPv6; None for anything else."""
    if len(body) < _ADDRESS.size:
        return None
    family, prefix, flags, _, index = _ADDRESS.unpack_from(body)
    found = _attributes(body[_ADDRESS.size :])
    # On a point-to-point link IFA_ADDRESS is the other end's (rtnetlink(7)).
    packed = found.get(_IFA_LOCAL) or found.get(_IFA_ADDRESS) or b""
    if (family, len(packed)) not in ((socket.AF_INET, 4), (socket.AF_INET6, 16)):
        return None
    flags = _number(found, _IFA_FLAGS, flags)  # the header has room for eight flags only
    return AddressEntry(index, family, prefix, socket.inet_ntop(family, packed), flags)


def default_route(body: bytes) -> RouteEntry | None:
    """A route of the main table to everywhere; None for any other."""
    if len(body) < _ROUTE.size:
        return None
    _, destination, _, _, table, _, _, kind, _ = _ROUTE.unpack_from(body)
    found = _attributes(body[_ROUTE.size :])
    table, interface = _number(found, _RTA_TABLE, table), _number(found, _RTA_OIF, 0)
    if destination or table != _MAIN_TABLE or kind != _UNICAST or not interface:
        return None
    return RouteEntry(interface, _number(found, _RTA_PRIORITY, 0))


def _attributes(data: bytes) -> dict[int, bytes]:
    found = {}
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        if not _ATTRIBUTE.size <= length <= len(data):
            break
        found[kind & 0x3FFF] = data[_ATTRIBUTE.size : length]  # without NLA_F_NESTED and its like
        data = data[_aligned(length) :]
    return found


def _number(found: dict[int, bytes], kind: int, default: int) -> int:
    value = found.get(kind, b"")
    return int(_U32.unpack(value)[0]) if len(value) == _U32.size else default


def _aligned(length: int) -> int:
    return (length + 3) & ~3

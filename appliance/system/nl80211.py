"""What only the kernel's WiFi layer can say or be told: the country, who is connected.

Generic netlink (linux/genetlink.h, linux/nl80211.h) asked without a library, as in `netlink`.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator
from typing import Final

from appliance.errors import ReadingUnavailable
from appliance.system.rtnetlink import DONE, ERROR, error_number, messages

_NETLINK_GENERIC: Final = 16
_CONTROL, _GET_FAMILY = 0x10, 3
_FAMILY_ID, _FAMILY_NAME = 1, 2
_GET_STATION, _NEW_STATION, _REQUEST_COUNTRY = 17, 19, 27
_INTERFACE, _COUNTRY = 3, 33

_REQUEST, _ACKNOWLEDGE, _DUMP = 0x1, 0x4, 0x300
_HEADER: Final = struct.Struct("=IHHII")  # nlmsghdr
_GENERIC: Final = struct.Struct("=BBxx")  # genlmsghdr: command, version
_ATTRIBUTE: Final = struct.Struct("=HH")
_SECONDS: Final = 5.0
_DATAGRAM: Final = 65536


class WifiUnavailable(ReadingUnavailable):
    """The kernel has no WiFi layer, or this process may not speak to it."""


def set_country(code: str) -> None:
    """Ask for the rules of a country, two letters of ISO 3166 (`iw reg set`).

    Needs CAP_NET_ADMIN. Some chips keep to the country that they were made for, and do not say so.
    Raises WifiUnavailable.
    """
    _ask(_REQUEST_COUNTRY, _ACKNOWLEDGE, attribute(_COUNTRY, code.encode("ascii") + b"\0"))


def count_stations(interface: str) -> int:
    """How many devices are connected to the access point that an interface is.

    Raises WifiUnavailable.
    """
    try:
        index = socket.if_nametoindex(interface)
    except OSError as error:
        raise WifiUnavailable(f"There is no network interface {interface}.") from error
    answers = _ask(_GET_STATION, _DUMP, attribute(_INTERFACE, struct.pack("=I", index)))
    return sum(1 for answer in answers if answer[:1] == bytes([_NEW_STATION]))


def request(kind: int, flags: int, command: int, attributes: bytes) -> bytes:
    """A message to the family of the number `kind`."""
    body = _GENERIC.pack(command, 1) + attributes
    return _HEADER.pack(_HEADER.size + len(body), kind, _REQUEST | flags, 1, 0) + body


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, with the filling that the next one needs."""
    length = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(length, kind) + value + bytes(-length % 4)


def family_number(body: bytes) -> int | None:
    """The number in the answer to a question for a family's name."""
    data = body[_GENERIC.size :]
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        if length < _ATTRIBUTE.size:
            return None
        if kind == _FAMILY_ID and length == _ATTRIBUTE.size + 2 <= len(data):
            return int(struct.unpack_from("=H", data, _ATTRIBUTE.size)[0])
        data = data[length + -length % 4 :]
    return None


def _ask(command: int, flags: int, attributes: bytes) -> list[bytes]:
    """Bodies of the answers."""
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_GENERIC) as kernel:
            kernel.settimeout(_SECONDS)
            kernel.bind((0, 0))
            name = attribute(_FAMILY_NAME, b"nl80211\0")
            kernel.send(request(_CONTROL, _ACKNOWLEDGE, _GET_FAMILY, name))
            numbers = [family_number(body) for body in _answers(kernel)]
            number = next((found for found in numbers if found is not None), None)
            if number is None:
                raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
            kernel.send(request(number, flags, command, attributes))
            return list(_answers(kernel))
    except OSError as error:
        raise WifiUnavailable(
            f"The WiFi layer of the kernel does not answer ({error.strerror or 'too slow'}); check"
            " that a WiFi driver is loaded and that the service has CAP_NET_ADMIN."
        ) from error


def _answers(kernel: socket.socket) -> Iterator[bytes]:
    """Bodies up to the acknowledgement, or to the end of a dump. Raises OSError."""
    while True:
        for message in messages(kernel.recv(_DATAGRAM)):
            if message.kind in (ERROR, DONE):
                if number := error_number(message.body):
                    raise OSError(number, os.strerror(number))
                return
            yield message.body

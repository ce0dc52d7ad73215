"""Improv's packets and numbers; nothing here does anything.

Characteristics of one byte have no frame. Commands and results are
`command, length, data, checksum`, the checksum being the low byte of the sum of all before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Final

from appliance.errors import BadRequest

_BASE: Final = "00467768-6228-2272-4663-2774782680{:02x}"
SERVICE: Final = _BASE.format(0)
STATE, ERROR, COMMAND, RESULT, CAPABILITIES = (_BASE.format(number) for number in range(1, 6))
# Of the service data in the advertisement.
SERVICE_DATA: Final = "4677"
_FRAME: Final = 3
_LONGEST_DATA: Final = 255


class State(IntEnum):
    """What the gadget waits for."""

    AUTHORIZATION_REQUIRED = 1
    AUTHORIZED = 2
    PROVISIONING = 3
    PROVISIONED = 4


class Problem(IntEnum):
    """What was wrong with the last command."""

    NONE = 0
    INVALID_PACKET = 1
    UNKNOWN_COMMAND = 2
    UNABLE_TO_CONNECT = 3
    NOT_AUTHORIZED = 4
    UNKNOWN = 0xFF


class Command(IntEnum):
    """What a client may ask for."""

    WIFI_SETTINGS = 1
    IDENTIFY = 2
    DEVICE_INFO = 3
    SCAN = 4


class Capability(IntFlag):
    """Commands that not every gadget understands."""

    IDENTIFY = 1
    DEVICE_INFO = 2
    SCAN = 4


class BadPacket(BadRequest):
    """Not a packet of the protocol."""

    code = "bad_packet"


@dataclass(frozen=True, slots=True)
class Packet:
    """A whole command; its number need not be one of `Command`."""

    command: int
    data: bytes


class Assembler:
    """Puts packets together that come in several writes of 20 bytes or so."""

    def __init__(self) -> None:
        self._come = b""

    def take(self, part: bytes) -> Packet | None:
        """The packet that is complete with this part. Raises BadPacket; then it starts anew."""
        come = self._come + part
        self._come = b""
        size = _FRAME + come[1] if len(come) > 1 else _FRAME
        if len(come) < size:
            self._come = come
            return None
        if len(come) > size or come[-1] != _checksum(come[:-1]):
            raise BadPacket("The packet is too long, or its checksum is wrong.")
        return Packet(come[0], come[2:-1])

    def forget(self) -> None:
        """Drop what has come: the rest is not to be expected any more."""
        self._come = b""


def wifi_settings(data: bytes) -> tuple[bytes, bytes]:
    """Name and password of a network. Raises BadPacket."""
    ssid, rest = _text(data)
    password, rest = _text(rest)
    if rest:
        raise BadPacket("Something is behind the password.")
    return ssid, password


def result(command: int, texts: Iterable[str]) -> bytes:
    """The packet with these texts, as many as there is room for."""
    return _framed(command, [each.encode("utf-8") for each in texts])


def networks(found: Iterable[tuple[str, int, str]]) -> bytes:
    """The answer to SCAN: names, dBm and protections, the first ones that there is room for."""
    data: list[bytes] = []
    for name, signal, protection in found:
        more = [name.encode("utf-8"), str(signal).encode(), protection.encode()]
        if _size([*data, *more]) > _LONGEST_DATA:
            break
        data += more
    return _framed(Command.SCAN, data)


def service_data(state: State, capabilities: Capability) -> bytes:
    """What the advertisement tells."""
    return bytes([state, capabilities, 0, 0, 0, 0])


def _framed(command: int, texts: Sequence[bytes]) -> bytes:
    kept = list(texts)
    while _size(kept) > _LONGEST_DATA:
        kept.pop()
    data = b"".join(bytes([len(each)]) + each for each in kept)
    packet = bytes([command, len(data)]) + data
    return packet + bytes([_checksum(packet)])


def _size(texts: Iterable[bytes]) -> int:
    return sum(1 + len(each) for each in texts)


def _text(data: bytes) -> tuple[bytes, bytes]:
    """A text behind its length, and the rest."""
    if not data or len(data) < 1 + data[0]:
        raise BadPacket("A text is shorter than it says.")
    return data[1 : 1 + data[0]], data[1 + data[0] :]


def _checksum(data: bytes) -> int:
    return sum(data) & 0xFF

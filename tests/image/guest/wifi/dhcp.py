"""A DHCP client (RFC 2131) for an interface without an address, as a phone has one."""

from __future__ import annotations

import secrets
import socket
import struct
import time
from dataclasses import dataclass

from tests.image.guest.wifi.spaces import Failed

_COOKIE = b"\x63\x82\x53\x63"
_DISCOVER, _OFFER, _REQUEST, _ACK = 1, 2, 3, 5
_MASK, _ROUTER, _NAME_SERVER, _WANTED, _LEASE, _KIND, _SERVER, _ASKED = 1, 3, 6, 50, 51, 53, 54, 55
_CAPTIVE_PORTAL = 114


@dataclass(frozen=True)
class Lease:
    """What the server gave; `options` by number, as they came."""

    address: str
    options: dict[int, bytes]

    @property
    def prefix(self) -> int:
        return int.from_bytes(self.options[_MASK], "big").bit_count()

    @property
    def router(self) -> str:
        return socket.inet_ntoa(self.options[_ROUTER][:4])

    @property
    def name_server(self) -> str:
        return socket.inet_ntoa(self.options[_NAME_SERVER][:4])

    @property
    def portal(self) -> bytes | None:
        """Option 114 of RFC 8910."""
        return self.options.get(_CAPTIVE_PORTAL)


def ask(interface: str, seconds: float = 20.0) -> Lease:
    """Get a lease. Raises Failed."""
    kind = socket.htons(0x0800)
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, kind) as wire:
        wire.bind((interface, 0x0800))
        wire.settimeout(1.0)
        hardware = wire.getsockname()[4]
        number = secrets.token_bytes(4)
        deadline = time.monotonic() + seconds
        offer = _talk(wire, interface, hardware, number, {_KIND: bytes([_DISCOVER])}, deadline)
        wanted = {
            _KIND: bytes([_REQUEST]),
            _WANTED: socket.inet_aton(offer.address),
            _SERVER: offer.options[_SERVER],
        }
        return _talk(wire, interface, hardware, number, wanted, deadline)


def _talk(
    wire: socket.socket,
    interface: str,
    hardware: bytes,
    number: bytes,
    options: dict[int, bytes],
    deadline: float,
) -> Lease:
    expected = _OFFER if options[_KIND] == bytes([_DISCOVER]) else _ACK
    packet = _packet(hardware, number, options)
    while time.monotonic() < deadline:
        wire.sendto(packet, (interface, 0x0800, 0, 0, b"\xff" * 6))
        again = time.monotonic() + 2.0
        while time.monotonic() < again:
            try:
                heard = _lease(wire.recv(2048), number)
            except TimeoutError:
                continue
            if heard is not None and heard.options.get(_KIND) == bytes([expected]):
                return heard
    raise Failed("no DHCP server has answered")


def _packet(hardware: bytes, number: bytes, options: dict[int, bytes]) -> bytes:
    asked = options | {_ASKED: bytes([_MASK, _ROUTER, _NAME_SERVER, _LEASE, _CAPTIVE_PORTAL])}
    told = b"".join(bytes([key, len(value)]) + value for key, value in asked.items())
    broadcast = 0x8000
    head = struct.pack("!BBBB4sHH16s", 1, 1, 6, 0, number, 0, broadcast, bytes(16))
    message = head + hardware.ljust(16, b"\0") + bytes(192) + _COOKIE + told + b"\xff"
    datagram = struct.pack("!HHHH", 68, 67, 8 + len(message), 0) + message
    length = 20 + len(datagram)
    fields = struct.pack("!BBHHHBBH4s4s", 0x45, 0, length, 0, 0, 64, 17, 0, bytes(4), b"\xff" * 4)
    return fields[:10] + struct.pack("!H", _checksum(fields)) + fields[12:] + datagram


def _checksum(data: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total


def _lease(packet: bytes, number: bytes) -> Lease | None:
    """The answer in a packet; None if it is something else."""
    start = (packet[0] & 15) * 4
    message = packet[start + 8 :]
    if packet[9] != 17 or packet[start : start + 4] != struct.pack("!HH", 67, 68):
        return None
    if message[4:8] != number or message[236:240] != _COOKIE:
        return None
    options, rest = {}, message[240:]
    while rest and rest[0] != 255:
        if rest[0] == 0:
            rest = rest[1:]
            continue
        options[rest[0]], rest = rest[2 : 2 + rest[1]], rest[2 + rest[1] :]
    return Lease(socket.inet_ntoa(message[16:20]), options)

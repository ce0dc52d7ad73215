"""The multicast group on one interface: what is said there, and a way to speak.

zeroconf's own sockets hide the queries of others, among them the probes for a name that we want.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from types import TracebackType
from typing import Self

from zeroconf import DNSIncoming, DNSOutgoing

PORT = 5353
GROUP4, GROUP6 = "224.0.0.251", "ff02::fb"
_HOPS = 255  # RFC 6762, 11
_NAME_BYTES = 16  # IFNAMSIZ


class Channel(asyncio.DatagramProtocol):
    """Sends to, and hears, the group on one interface, by IPv4 and IPv6 as far as there is each.

    `hear` gets every message, our own too; with `about`, a label in lower case, only those that
    contain it. Use as an asynchronous context, or `open` and `close`; opening raises OSError.
    """

    def __init__(
        self, interface: str, index: int, hear: Callable[[DNSIncoming], None], about: str = ""
    ) -> None:
        self._interface = interface
        self._index = index
        self._hear = hear
        self._about = about.encode()
        self._transports: dict[int, asyncio.DatagramTransport] = {}

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Join the group."""
        loop = asyncio.get_running_loop()
        for family, open_socket in ((socket.AF_INET, _open4), (socket.AF_INET6, _open6)):
            try:
                opened = open_socket(self._interface, self._index)
            except OSError:
                if family == socket.AF_INET6 and self._transports:
                    break  # IPv6 is switched off
                raise
            transport, _ = await loop.create_datagram_endpoint(lambda: self, sock=opened)
            self._transports[family] = transport

    async def close(self) -> None:
        """Leave it."""
        for transport in self._transports.values():
            transport.close()
        await asyncio.sleep(0)  # the sockets close in the loop's next turn

    def send(self, message: DNSOutgoing) -> None:
        """Say something to the group; what cannot be sent is lost, as on the wire."""
        for packet in message.packets():
            for family, transport in self._transports.items():
                group = GROUP4 if family == socket.AF_INET else GROUP6
                transport.sendto(packet, (group, PORT))

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        """Part of the protocol of asyncio."""
        if self._about in data.lower():
            message = DNSIncoming(data)
            if message.valid:
                self._hear(message)

    def error_received(self, exc: Exception) -> None:
        """Part of the protocol of asyncio; an interface without an address cannot send."""


def bind_to_interface(opened: socket.socket, interface: str) -> None:
    """Let a socket hear and reach this interface alone.

    Linux 5.7 asks for no right to bind a socket that is bound to none, as one with a link-local
    address of IPv6 already is.
    """
    bound = opened.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, _NAME_BYTES)
    if bound.rstrip(b"\0") != interface.encode():
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())


def _open4(interface: str, index: int) -> socket.socket:
    here = socket.inet_aton(GROUP4) + struct.pack("=4xi", index)  # ip_mreqn
    options = (
        (socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, here),
        (socket.IPPROTO_IP, socket.IP_MULTICAST_IF, here),
        (socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, _HOPS),
    )
    return _open(socket.AF_INET, interface, options, (GROUP4, PORT))


def _open6(interface: str, index: int) -> socket.socket:
    here = struct.pack("=i", index)
    group = socket.inet_pton(socket.AF_INET6, GROUP6)
    options: tuple[tuple[int, int, int | bytes], ...] = (
        (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1),
        (socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group + here),
        (socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, here),
        (socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, _HOPS),
    )
    return _open(socket.AF_INET6, interface, options, (GROUP6, PORT, 0, index))


def _open(
    family: int,
    interface: str,
    options: tuple[tuple[int, int, int | bytes], ...],
    group: tuple[str, int] | tuple[str, int, int, int],
) -> socket.socket:
    opened = socket.socket(family, socket.SOCK_DGRAM)
    try:
        opened.setblocking(False)
        # Others on this machine may have the port too (RFC 6762, 15).
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bind_to_interface(opened, interface)
        for level, option, value in options:
            opened.setsockopt(level, option, value)
        # Bound to the group it does not take unicast messages away from who answers them.
        opened.bind(group)
    except OSError:
        opened.close()
        raise
    return opened

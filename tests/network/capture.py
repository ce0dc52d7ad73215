"""Multicast DNS as it is on the wire; as a process it prints each packet as a line of JSON."""

from __future__ import annotations

import ipaddress
import json
import select
import socket
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

PORT = 5353
_ALL_PROTOCOLS, _IPV4, _IPV6, _UDP = 0x0003, 0x0800, 0x86DD, 17


@dataclass(frozen=True, slots=True)
class Packet:
    """A UDP datagram from or to the port of multicast DNS; `at` by time.monotonic()."""

    at: float
    source: str
    port: int
    destination: str
    hops: int
    data: bytes


class Capture:
    """Everything on an interface from the moment this is made."""

    def __init__(self, interface: str) -> None:
        self._socket = socket.socket(
            socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL_PROTOCOLS)
        )
        self._socket.bind((interface, 0))
        self._socket.setblocking(False)

    def close(self) -> None:
        self._socket.close()

    def until(self, deadline: float) -> Iterator[Packet]:
        """Packets as they come, until time.monotonic() reaches the deadline."""
        while (rest := deadline - time.monotonic()) > 0:
            if select.select([self._socket], [], [], rest)[0]:
                packet = parse(self._socket.recv(65536), time.monotonic())
                if packet is not None:
                    yield packet


def parse(frame: bytes, at: float) -> Packet | None:
    """A frame of Ethernet; None unless it is what we look for."""
    kind = struct.unpack_from("!H", frame, 12)[0]
    if kind == _IPV4 and frame[23] == _UDP:
        header = 14 + (frame[14] & 15) * 4
        source, destination, hops = frame[26:30], frame[30:34], frame[22]
    elif kind == _IPV6 and frame[20] == _UDP:
        header, source, destination, hops = 54, frame[22:38], frame[38:54], frame[21]
    else:
        return None
    ports = struct.unpack_from("!HH", frame, header)
    if PORT not in ports:
        return None
    return Packet(
        at,
        str(ipaddress.ip_address(source)),
        ports[0],
        str(ipaddress.ip_address(destination)),
        hops,
        frame[header + 8 :],
    )


if __name__ == "__main__":
    capture = Capture(sys.argv[1])
    print(json.dumps({"at": time.monotonic(), "capturing": sys.argv[1]}), flush=True)
    for each in capture.until(time.monotonic() + 3600):
        print(
            json.dumps({"at": each.at, "source": each.source, "size": len(each.data)}), flush=True
        )

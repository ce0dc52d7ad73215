"""A host beside the device, that hears all it says and can say anything to it."""

from __future__ import annotations

import json
import secrets
import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from zeroconf import DNSAddress, DNSIncoming, DNSOutgoing, DNSQuestion, DNSRecord, DNSService

from tests.network.capture import PORT, Capture, Packet

GROUP = "224.0.0.251"
A, PTR, TXT, AAAA, SRV, NSEC, ANY, HINFO = 1, 12, 16, 28, 33, 47, 255, 13
IN, FLUSH, QU = 1, 0x8001, 0x8001
LUNA, HTTP = "_luna._tcp.local.", "_http._tcp.local."
HOST, INSTANCE = "luna-ab12.local.", f"Luna ab12.{LUNA}"
DEVICE, OWN = "10.9.0.1", "10.9.0.2"


@dataclass(frozen=True)
class Heard:
    """A message of the device, with its sections."""

    packet: Packet
    message: DNSIncoming

    @property
    def flags(self) -> int:
        return int(struct.unpack_from("!H", self.packet.data, 2)[0])

    @property
    def answers(self) -> list[DNSRecord]:
        return self.message.answers()[: self.message.num_answers]

    @property
    def records(self) -> list[DNSRecord]:
        return self.message.answers()

    @property
    def multicast(self) -> bool:
        return self.packet.destination in (GROUP, "ff02::fb")


class Bench:
    """The host that watches and asks; keeps the results."""

    def __init__(self, interface: str) -> None:
        self._capture = Capture(interface)
        self._sender = self._group_socket(PORT)
        self._by_ipv6: list[Heard] = []

    def close(self) -> None:
        self._capture.close()
        self._sender.close()

    def order(self, what: str) -> None:
        """Have the device started or stopped."""
        print(json.dumps({"order": what}), flush=True)

    def rule(self, section: str, text: str, kept: object) -> None:
        """Tell a result."""
        told = {"section": section, "rule": text, "kept": bool(kept)}
        print(json.dumps(told), flush=True)

    def heard(self, seconds: float) -> Iterator[Heard]:
        """What the device says by IPv4 in this time."""
        for packet in self._capture.until(time.monotonic() + seconds):
            heard = Heard(packet, DNSIncoming(packet.data))
            if packet.source == DEVICE:
                yield heard
            elif ":" in packet.source:
                self._by_ipv6.append(heard)

    def was_announced_by_ipv6(self) -> bool:
        """Whether IPv6 has carried the same."""
        announced = [each for each in self._by_ipv6 if is_announcement(each)]
        return bool(announced) and all(each.packet.hops == 255 for each in announced)

    def until(self, wanted: Callable[[Heard], object], seconds: float = 10) -> Heard:
        """The first message that is wanted; raises AssertionError when none comes."""
        for heard in self.heard(seconds):
            if wanted(heard):
                return heard
        raise AssertionError("the device did not say what was waited for")

    def quiet(self, seconds: float = 1.1) -> list[Heard]:
        """Everything that is said until it is long enough ago not to change an answer."""
        return list(self.heard(seconds))

    def say(self, message: DNSOutgoing) -> None:
        """Send to the group from the usual port."""
        for packet in message.packets():
            self._sender.sendto(packet, (GROUP, PORT))

    def ask(
        self,
        *questions: tuple[str, int],
        unicast: bool = False,
        known: Iterable[DNSRecord] = (),
        seconds: float = 1.0,
    ) -> list[Heard]:
        """Everything that answers the questions, which are asked when nothing was said lately."""
        self.quiet()
        out = question(*questions[0], unicast=unicast)
        for name, kind in questions[1:]:
            out.add_question(DNSQuestion(name, kind, IN))
        for record in known:
            out.add_answer_at_time(record, 0)
        self.say(out)
        found: list[Heard] = []
        for heard in self.heard(seconds):
            if heard.flags & 0x8000:
                found.append(heard)
                break
        return found and found + [each for each in self.heard(0.15) if each.flags & 0x8000]

    def ask_as_a_resolver(self, name: str, kind: int) -> tuple[bytes, int]:
        """The answer to one from any port (6.7), and the id of the question."""
        self.quiet()
        out = DNSOutgoing(0, multicast=False, id_=secrets.randbelow(0xFFFF) + 1)
        out.add_question(DNSQuestion(name, kind, IN))
        with self._group_socket(0) as asking:
            asking.settimeout(2)
            asking.sendto(out.packets()[0], (GROUP, PORT))
            try:
                return asking.recv(9000), out.id
            except TimeoutError:
                return b"", out.id

    @staticmethod
    def _group_socket(port: int) -> socket.socket:
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        opened.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(OWN))
        opened.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
        opened.bind((OWN, port))
        return opened


def is_probe(heard: Heard) -> bool:
    return not heard.flags & 0x8000 and heard.message.num_authorities > 0


def is_announcement(heard: Heard) -> bool:
    return bool(heard.flags & 0x8000) and any(r.type == SRV and r.ttl for r in heard.records)


def kinds(records: Iterable[DNSRecord], name: str = "") -> set[int]:
    return {record.type for record in records if not name or record.name == name}


def address(packed: str, ttl: int = 120, klass: int = FLUSH) -> DNSAddress:
    """Somebody else's claim on the host name."""
    return DNSAddress(HOST, A, klass, ttl, socket.inet_aton(packed))


def claim(*addresses: str) -> DNSOutgoing:
    """A probe for the host name by somebody else."""
    out = question(HOST, ANY)
    for each in addresses:
        out.authorities.append(address(each, klass=IN))  # type: ignore[arg-type]
    return out


def question(name: str, kind: int, *, unicast: bool = False) -> DNSOutgoing:
    out = DNSOutgoing(0)
    out.add_question(DNSQuestion(name, kind, QU if unicast else IN))
    return out


def answer(*records: DNSRecord) -> DNSOutgoing:
    out = DNSOutgoing(0x8400)
    for record in records:
        out.add_answer_at_time(record, 0)
    return out


def service(target: str) -> DNSService:
    return DNSService(INSTANCE, SRV, FLUSH, 120, 0, 0, 9, target)

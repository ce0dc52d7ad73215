"""Names that one device alone may have, and who disputes them (RFC 6762, 8 and 9); pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from zeroconf import DNSAddress, DNSIncoming, DNSOutgoing, DNSQuestion, DNSRecord
from zeroconf import DNSService as ServiceRecord
from zeroconf import DNSText as TextRecord

from appliance.mdns.naming import Names
from appliance.mdns.services import Service

A, PTR, TXT, AAAA, SRV, ANY = 1, 12, 16, 28, 33, 255
IN, UNIQUE = 0x0001, 0x8001  # class IN; with the cache-flush bit (10.2)
QUERY, RESPONSE = 0x0000, 0x8400  # flags; a response is authoritative (18.4)
HOST_TTL, OTHER_TTL = 120, 4500  # seconds (10)
DOMAIN = "local."
_ADDRESSES = (A, AAAA)


class Verdict(Enum):
    """What a message means for the names that are claimed."""

    CLEAR = "nobody disputes them"
    DEFER = "somebody claims one at the same time, and goes first"
    TAKEN = "somebody has one already"


@dataclass(frozen=True, slots=True)
class Claims:
    """Names with the records that belong to them; `own` are all addresses of this machine.

    A record that carries one of these is no dispute: it comes from another interface of ours.
    """

    host: str
    instances: tuple[str, ...]
    records: tuple[DNSRecord, ...]
    own: frozenset[bytes]

    def query(self) -> DNSOutgoing:
        """A probe (8.1): all names in question, all records in the authority section."""
        out = DNSOutgoing(QUERY)
        for name in (self.host, *self.instances):
            out.add_question(DNSQuestion(name, ANY, IN))
        # The method for it takes pointers only.
        out.authorities.extend(self.records)  # type: ignore[arg-type]
        return out

    def judge(self, message: DNSIncoming) -> tuple[Verdict, frozenset[str]]:
        """What a message that was heard while probing means, and for which names."""
        if not message.is_query():
            taken = self.disputed(message.answers())
            return (Verdict.TAKEN if taken else Verdict.CLEAR), taken
        lost = frozenset(name for name in self._asked(message) if self._loses(name, message))
        return (Verdict.DEFER if lost else Verdict.CLEAR), lost

    def disputed(self, records: Iterable[DNSRecord]) -> frozenset[str]:
        """Our names in records that are not ours; goodbyes do not count."""
        return frozenset(
            name
            for record in records
            if record.ttl and (name := record.name.lower()) and not self._is_ours(name, record)
        )

    def _is_ours(self, name: str, record: DNSRecord) -> bool:
        if name == self.host.lower():
            return not isinstance(record, DNSAddress) or record.address in self.own
        if name in (each.lower() for each in self.instances):
            # Text may differ for a moment between two interfaces of one device; a target cannot.
            return not isinstance(record, ServiceRecord) or rdata(record) in (
                rdata(each) for each in self.records if each.name.lower() == name
            )
        return True

    def _asked(self, message: DNSIncoming) -> set[str]:
        if not message.is_probe():
            return set()
        known = {name.lower() for name in (self.host, *self.instances)}
        return {question.name.lower() for question in message.questions} & known

    def _loses(self, name: str, message: DNSIncoming) -> bool:
        """Whether the other's records are lexicographically later (8.2.1)."""
        theirs = _named(name, message.answers())
        if all(isinstance(each, DNSAddress) and each.address in self.own for each in theirs):
            return False
        return _sorted(_named(name, self.records)) < _sorted(theirs)


def claims(
    names: Names, services: Sequence[Service], addresses: Sequence[str], own: Iterable[str]
) -> Claims:
    """What is claimed on one interface with these addresses, before it is announced."""
    host = f"{names.host}.{DOMAIN}"
    instances = tuple(f"{names.instance}.{service.type}" for service in services)
    records: list[DNSRecord] = [_address(host, address) for address in addresses]
    for name, service in zip(instances, services, strict=True):
        records.append(ServiceRecord(name, SRV, IN, HOST_TTL, 0, 0, service.port, host))
        records.append(TextRecord(name, TXT, IN, OTHER_TTL, text(service)))
    packed = frozenset(ipaddress.ip_address(each).packed for each in own)
    return Claims(host, instances, tuple(records), packed)


def text(service: Service) -> bytes:
    """The data of a TXT record (RFC 6763, 6.1)."""
    strings = [f"{key}={value}".encode() for key, value in service.txt]
    return b"".join(bytes([len(string)]) + string for string in strings) or b"\0"


def rdata(record: DNSRecord) -> bytes:
    """A record's data, uncompressed, as 8.2.1 compares it; empty for kinds that are not claimed."""
    if isinstance(record, DNSAddress):
        return record.address
    if isinstance(record, TextRecord):
        return record.text
    if isinstance(record, ServiceRecord):
        numbers = (record.priority, record.weight, record.port)
        return b"".join(each.to_bytes(2, "big") for each in numbers) + _wire(record.server)
    return b""


def _address(host: str, address: str) -> DNSAddress:
    packed = ipaddress.ip_address(address).packed
    return DNSAddress(host, A if len(packed) == 4 else AAAA, IN, HOST_TTL, packed)


def _named(name: str, records: Iterable[DNSRecord]) -> list[DNSRecord]:
    return [record for record in records if record.name.lower() == name]


def _sorted(records: Iterable[DNSRecord]) -> list[tuple[int, int, bytes]]:
    return sorted((record.class_ & ~0x8000, record.type, rdata(record)) for record in records)


def _wire(name: str) -> bytes:
    labels = [label.encode() for label in name.rstrip(".").split(".")]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"

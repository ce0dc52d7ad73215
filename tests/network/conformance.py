"""Whether the advertiser keeps to RFC 6762 and RFC 6763, judged from the wire.

A process on a host beside the device. It asks for the device to be started and stopped by lines of
JSON, and prints one line for each rule: its section, what it says, whether it is kept.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import pairwise

from zeroconf import DNSIncoming, DNSPointer, DNSRecord, DNSText

from tests.network.bench import (
    AAAA,
    ANY,
    DEVICE,
    HINFO,
    HOST,
    HTTP,
    IN,
    INSTANCE,
    LUNA,
    NSEC,
    PTR,
    SRV,
    TXT,
    A,
    Bench,
    Heard,
    address,
    answer,
    claim,
    is_announcement,
    is_probe,
    kinds,
    question,
    service,
)

_UNIQUE = {A, AAAA, SRV, TXT}


def main(interface: str) -> None:
    """Check every rule."""
    bench = Bench(interface)
    try:
        starting(bench)
        answering(bench)
        holding_back(bench)
        answering_old_resolvers(bench)
        owning(bench)
        leaving(bench)
        disputing(bench)
    finally:
        bench.close()


def starting(bench: Bench) -> None:
    """Probes and announcements."""
    bench.order("start")
    first = bench.until(is_probe)
    heard = [first, *bench.heard(3)]
    probes = [each for each in heard if is_probe(each)]
    announcements = [each for each in heard if is_announcement(each)]
    probing(bench, probes)
    times = [probes[-1].packet.at, announcements[0].packet.at]
    bench.rule("8.1", "announced 250 ms after the last probe", near(gaps(times), 0.25))
    waits = gaps([each.packet.at for each in announcements])
    apart = len(waits) >= 1 and all(wait >= 0.99 for wait in waits)
    bench.rule("8.3", "announced at least twice, a second apart or more", apart)
    announced(bench, announcements)
    sent = [each.packet for each in heard]
    bench.rule("11", "IP packets have 255 hops to live", {each.hops for each in sent} == {255})
    bench.rule("5.2", "they come from port 5353", {each.port for each in sent} == {5353})
    bench.rule("20", "IPv6 carries the same", bench.was_announced_by_ipv6())


def probing(bench: Bench, probes: list[Heard]) -> None:
    """What a probe looks like."""
    times, first = [each.packet.at for each in probes], probes[0]
    bench.rule("8.1", "three probes, 250 ms apart", len(times) == 3 and near(gaps(times), 0.25))
    asked = {(question.name, question.type) for question in first.message.questions}
    names = {(HOST, ANY), (INSTANCE, ANY), (f"Luna ab12.{HTTP}", ANY)}
    bench.rule("8.1", "a probe asks for any record of every unique name", asked == names)
    hosts, services = kinds(first.records, HOST), kinds(first.records, INSTANCE)
    proposed = hosts == {A, AAAA} and services == {SRV, TXT}
    bench.rule("8.2", "it proposes its records in the authority section", proposed)
    unset = not any(record.unique for record in first.records)
    bench.rule("10.2", "there they do not have the cache-flush bit", unset)


def announced(bench: Bench, announcements: list[Heard]) -> None:
    """What an announcement looks like."""
    records = announcements[0].answers
    unique = [record for record in records if record.type in _UNIQUE]
    shared = [record for record in records if record.type == PTR]
    bench.rule("10.2", "unique records have the cache-flush bit", all(r.unique for r in unique))
    bench.rule("10.2", "shared records do not", shared and not any(r.unique for r in shared))
    short = {record.ttl for record in records if record.type in (A, AAAA, SRV)}
    long = {record.ttl for record in records if record.type in (PTR, TXT)}
    lives = (short, long) == ({120}, {4500})
    bench.rule("10", "records with a host name live for 120 s, others for 75 min", lives)
    clean = all(each.flags == 0x8400 and each.message.id == 0 for each in announcements)
    bench.rule("18", "answers have id 0, and the bits QR and AA", clean)
    empty = not any(each.message.num_questions for each in announcements)
    bench.rule("6", "answers hold no questions", empty)
    texts = [record.text for record in records if isinstance(record, DNSText)]
    bench.rule("6763 6.2", "text has at most 400 bytes", all(len(text) <= 400 for text in texts))
    strings = [split(text) for text in texts]
    keys = [string.partition(b"=")[0] for each in strings for string in each]
    bench.rule("6763 6.4", "keys have 1 to 9 printable characters of ASCII", all(map(good, keys)))
    versions = any(each[0] == b"txtvers=1" for each in strings)
    bench.rule("6763 6.7", "txtvers comes first", versions)


def answering(bench: Bench) -> None:
    """Questions and what answers bring along."""
    more = kinds(records(bench.ask((LUNA, PTR))))
    bench.rule("6763 12.1", "a pointer brings service, text, addresses", more >= {PTR, *_UNIQUE})
    more = kinds(records(bench.ask((INSTANCE, SRV))))
    bench.rule("6763 12.2", "a service brings its addresses along", more >= {SRV, A, AAAA})
    more = kinds(records(bench.ask((HOST, A))), HOST)
    bench.rule("6.2", "an IPv4 address brings those of IPv6 along", more >= {A, AAAA})
    more = kinds(records(bench.ask((INSTANCE, ANY))))
    bench.rule("6.5", "a question for any record gets all", more >= {SRV, TXT})
    more = kinds(records(bench.ask((HOST, ANY))))
    bench.rule("6.5", "also of the host name", more >= {A, AAAA})
    more = kinds(records(bench.ask((HOST, HINFO))))
    bench.rule("6.1", "a record that does not exist is denied (NSEC)", NSEC in more)
    more = kinds(records(bench.ask((HOST.upper(), A))))
    bench.rule("16", "names are compared without regard to case", A in more)
    pairs = records(bench.ask((LUNA, PTR), (HTTP, PTR)))
    both = {record.name for record in pairs if record.type == PTR}
    bench.rule("5.3", "two questions in one message are both answered", both == {LUNA, HTTP})
    types = records(bench.ask(("_services._dns-sd._udp.local.", PTR)))
    told = {record.alias for record in types if isinstance(record, DNSPointer)}
    bench.rule("6763 9", "the types of the services are told", told == {LUNA, HTTP})
    direct = [each for each in bench.ask((HOST, A), unicast=True) if not each.multicast]
    bench.rule("5.4", "an answer is unicast where that is asked for", direct)


def holding_back(bench: Bench) -> None:
    """What is better not said."""
    known = DNSPointer(LUNA, PTR, IN, 4500, INSTANCE)
    bench.rule("7.1", "what the asker knows is not said", not bench.ask((LUNA, PTR), known=[known]))
    known = DNSPointer(LUNA, PTR, IN, 2000, INSTANCE)
    stale = bench.ask((LUNA, PTR), known=[known])
    bench.rule("7.1", "unless it has less than half of its life left", stale)
    once = bench.ask((HOST, A))
    bench.say(question(HOST, A))
    twice = [each for each in bench.heard(0.3) if each.flags & 0x8000 and each.multicast]
    bench.rule("6", "a record is multicast once a second at most", once and not twice)
    others = bench.ask(("luna-0000.local.", A), ("_none._tcp.local.", PTR))
    bench.rule("6", "names of others are not answered", not others)


def answering_old_resolvers(bench: Bench) -> None:
    """Resolvers that know nothing of multicast."""
    data, number = bench.ask_as_a_resolver(HOST, A)
    message = DNSIncoming(data)
    found = message.answers() if data else []
    direct = found and message.id == number
    bench.rule("6.7", "an ordinary resolver is answered directly, with its id", direct)
    bench.rule("6.7", "and its question", data and message.num_questions == 1)
    plain = found and not any(record.unique for record in found)
    bench.rule("6.7", "without the cache-flush bit", plain)
    brief = found and all(record.ttl <= 10 for record in found)
    bench.rule("6.7", "for 10 s at most", brief)


def owning(bench: Bench) -> None:
    """What others say about names that are ours."""
    bench.quiet()
    bench.say(claim("10.9.0.99"))
    mine = [each for each in bench.heard(0.5) if A in kinds(each.records, HOST)]
    bench.rule("8.1", "who probes for a name of ours is answered at once", mine)
    bench.quiet()
    bench.say(answer(service("elsewhere.local.")))
    again = [each for each in bench.heard(1.6) if is_probe(each)]
    bench.rule("9", "a conflict makes it probe again", len(again) == 3)
    bench.quiet(1.3)
    bench.say(answer(address(DEVICE)))
    calm = not any(is_probe(each) for each in bench.heard(0.6))
    bench.rule("9", "the very same record is no conflict", calm)


def leaving(bench: Bench) -> None:
    """The goodbye."""
    bench.order("stop")
    heard = list(bench.heard(0.8))
    gone = {record.type for each in heard for record in each.records if record.ttl == 0}
    bench.rule("10.1", "everything is said goodbye to", gone >= {PTR, *_UNIQUE})


def disputing(bench: Bench) -> None:
    """Names that somebody else has, or wants at the same time."""
    bench.order("start")
    bench.until(is_probe)
    bench.say(answer(address("10.9.0.99")))
    names = {record.name for record in bench.until(is_announcement).records}
    bench.rule("8.1", "a name that is taken is changed", "luna-ab12-2.local." in names)
    bench.rule("8.1", "another name that is free is not", INSTANCE in names)
    bench.order("stop")
    bench.quiet(0.6)
    bench.order("start")
    first = bench.until(is_probe).packet.at
    bench.say(claim("10.250.0.1", "10.250.0.2", "10.250.0.3"))
    bench.quiet(0.1)  # a probe that was on its way
    waited = bench.until(is_probe).packet.at - first
    bench.rule("8.2", "who loses a tie waits for a second", 0.9 < waited < 5)
    bench.order("stop")
    bench.quiet(0.6)
    bench.order("start")
    first = bench.until(is_probe).packet.at
    bench.say(claim("10.0.0.1"))
    won = bench.until(is_announcement)
    on = won.packet.at - first < 1.5 and HOST in {record.name for record in won.records}
    bench.rule("8.2", "who wins a tie goes on", on)
    bench.order("stop")
    bench.quiet(0.6)


def records(heard: Iterable[Heard]) -> list[DNSRecord]:
    return [record for each in heard for record in each.records]


def gaps(times: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(times)]


def near(seconds: list[float], expected: float) -> bool:
    """Within what a busy machine may add."""
    return all(expected - 0.02 <= each <= expected + 1 for each in seconds)


def split(text: bytes) -> list[bytes]:
    """The strings of a text record."""
    found = []
    while text:
        found.append(text[1 : text[0] + 1])
        text = text[text[0] + 1 :]
    return found


def good(key: bytes) -> bool:
    return 1 <= len(key) <= 9 and all(0x20 <= each <= 0x7E for each in key)


if __name__ == "__main__":
    main(sys.argv[1])

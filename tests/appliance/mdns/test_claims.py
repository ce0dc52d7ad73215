import pytest
from hypothesis import given
from hypothesis import strategies as st
from zeroconf import DNSAddress, DNSIncoming, DNSOutgoing, DNSQuestion, DNSService

from appliance.mdns.claims import ANY, IN, RESPONSE, SRV, UNIQUE, A, Claims, Verdict, claims, text
from appliance.mdns.naming import Names
from appliance.mdns.services import Service

SERVICES = (Service("_luna._tcp.local.", 80, (("txtvers", "1"), ("id", "ab12"))),)
HOST, INSTANCE = "luna-ab12.local.", "luna ab12._luna._tcp.local."


def claimed(*addresses: str, own: tuple[str, ...] = ()) -> Claims:
    names = Names("luna-ab12", "Luna ab12", "ab12")
    return claims(names, SERVICES, addresses, own or addresses)


def wire(message: DNSOutgoing) -> DNSIncoming:
    (packet,) = message.packets()
    return DNSIncoming(packet)


def said(*records: DNSAddress | DNSService) -> DNSIncoming:
    out = DNSOutgoing(RESPONSE)
    for record in records:
        out.add_answer_at_time(record, 0)
    return wire(out)


def address(*octets: int, ttl: int = 120) -> DNSAddress:
    return DNSAddress(HOST.upper(), A, UNIQUE, ttl, bytes(octets))


def test_our_own_probe_disputes_nothing() -> None:
    own = claimed("10.0.0.1", "fe80::1")
    assert own.judge(wire(own.query())) == (Verdict.CLEAR, frozenset())


def test_the_later_data_wins_a_tie() -> None:
    low, high = claimed("10.0.0.1"), claimed("10.0.0.2")
    assert low.judge(wire(high.query())) == (Verdict.DEFER, frozenset({HOST}))
    assert high.judge(wire(low.query())) == (Verdict.CLEAR, frozenset())


def test_more_records_win_over_the_same_fewer_ones() -> None:
    few, many = claimed("10.0.0.1"), claimed("10.0.0.1", "10.0.0.2")
    assert few.judge(wire(many.query()))[0] is Verdict.DEFER
    assert many.judge(wire(few.query()))[0] is Verdict.CLEAR


def test_another_interface_of_ours_is_no_rival() -> None:
    here = claimed("10.0.0.1", own=("10.0.0.1", "10.0.0.2"))
    there = claimed("10.0.0.2", own=("10.0.0.1", "10.0.0.2"))
    assert here.judge(wire(there.query()))[0] is Verdict.CLEAR
    assert here.judge(said(address(10, 0, 0, 2)))[0] is Verdict.CLEAR


def test_who_answers_has_the_name() -> None:
    own = claimed("10.0.0.1")
    assert own.judge(said(address(10, 0, 0, 9))) == (Verdict.TAKEN, frozenset({HOST}))
    service = DNSService("Luna ab12._luna._tcp.local.", SRV, UNIQUE, 120, 0, 0, 80, "other.local.")
    assert own.judge(said(service)) == (Verdict.TAKEN, frozenset({INSTANCE}))


def test_goodbyes_and_other_names_are_nothing_to_us() -> None:
    own = claimed("10.0.0.1")
    assert own.judge(said(address(10, 0, 0, 9, ttl=0)))[0] is Verdict.CLEAR
    other = DNSAddress("other.local.", A, UNIQUE, 120, bytes(4))
    assert own.judge(said(other))[0] is Verdict.CLEAR


def test_an_ordinary_question_is_no_probe() -> None:
    out = DNSOutgoing(0)
    out.add_question(DNSQuestion(HOST, ANY, IN))
    assert claimed("10.0.0.1").judge(wire(out))[0] is Verdict.CLEAR


@given(st.ip_addresses(v=4), st.ip_addresses(v=4))
def test_a_tie_has_one_winner(one: object, other: object) -> None:
    first, second = claimed(str(one)), claimed(str(other))
    verdicts = {first.judge(wire(second.query()))[0], second.judge(wire(first.query()))[0]}
    assert verdicts == ({Verdict.CLEAR} if one == other else {Verdict.CLEAR, Verdict.DEFER})


@pytest.mark.parametrize(("txt", "data"), [((), b"\0"), ((("a", "b"),), b"\3a=b")])
def test_text_is_never_empty(txt: tuple[tuple[str, str], ...], data: bytes) -> None:
    assert text(Service("_x._tcp.local.", 1, txt)) == data

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.system import rtnetlink
from appliance.system.rtnetlink import AddressEntry, LinkEntry, RouteEntry

V4, V6, MAIN, UNICAST, BLACKHOLE = 2, 10, 254, 1, 6


def attribute(kind: int, value: bytes) -> bytes:
    padding = bytes(-len(value) % 4)
    return struct.pack("=HH", 4 + len(value), kind) + value + padding


def message(kind: int, body: bytes, sequence: int = 1, flags: int = 0) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, flags, sequence, 0) + body


def link(name: bytes, operstate: int = 6, family: int = 0) -> bytes:
    header = struct.pack("=BxHiII", family, 1, 3, 0x1043, 0)
    return header + attribute(3, name + b"\0") + attribute(16, bytes([operstate]))


def address(family: int, *attributes: bytes, flags: int = 0) -> bytes:
    return struct.pack("=BBBBI", family, 24, flags, 0, 3) + b"".join(attributes)


def route(*attributes: bytes, bits: int = 0, table: int = MAIN, kind: int = UNICAST) -> bytes:
    return struct.pack("=BBBBBBBBI", V4, bits, 0, 0, table, 0, 0, kind, 0) + b"".join(attributes)


def test_a_datagram_holds_several_messages() -> None:
    data = message(16, b"abcde") + bytes(3) + message(20, b"", sequence=7, flags=0x12)
    first, second = rtnetlink.messages(data)
    assert (first.kind, first.body, first.interrupted) == (16, b"abcde", False)
    assert (second.kind, second.sequence, second.interrupted) == (20, 7, True)


@pytest.mark.parametrize("data", [b"", bytes(16), message(16, b"abc")[:-1], b"\xff" * 40])
def test_what_is_cut_off_is_no_message(data: bytes) -> None:
    assert list(rtnetlink.messages(data)) == []


@pytest.mark.parametrize(("state", "running"), [(0, True), (2, False), (5, False), (6, True)])
def test_a_link_runs_by_its_operational_state(state: int, running: bool) -> None:
    assert rtnetlink.link(link(b"wlan0", state)) == LinkEntry(3, "wlan0", 0x1043, running)


def test_a_port_of_a_bridge_is_not_told_twice() -> None:
    assert rtnetlink.link(link(b"eth0", family=7)) is None


def test_addresses_are_read() -> None:
    own, other = attribute(2, bytes([10, 0, 0, 1])), attribute(1, bytes([10, 0, 0, 2]))
    assert rtnetlink.address(address(V4, other, own)) == AddressEntry(3, V4, 24, "10.0.0.1", 0)
    assert rtnetlink.address(address(V4, other)) == AddressEntry(3, V4, 24, "10.0.0.2", 0)
    six = address(V6, attribute(1, bytes(15) + b"\1"), attribute(8, struct.pack("=I", 0x320)))
    assert rtnetlink.address(six) == AddressEntry(3, V6, 24, "::1", 0x320)


def test_an_address_of_another_family_is_left_out() -> None:
    assert rtnetlink.address(address(V6, attribute(1, bytes(4)))) is None
    assert rtnetlink.address(address(28, attribute(1, bytes(16)))) is None


def test_a_default_route_leads_everywhere() -> None:
    out = attribute(4, struct.pack("=I", 2))
    priority = attribute(6, struct.pack("=I", 600))
    assert rtnetlink.default_route(route(out, priority)) == RouteEntry(2, 600)
    assert rtnetlink.default_route(route(out)) == RouteEntry(2, 0)
    other_table = attribute(15, struct.pack("=I", 1000))
    assert rtnetlink.default_route(route(out, other_table)) is None
    assert rtnetlink.default_route(route(out, bits=24)) is None
    assert rtnetlink.default_route(route(out, kind=BLACKHOLE)) is None
    assert rtnetlink.default_route(route(priority)) is None


def test_errors_have_their_number() -> None:
    assert rtnetlink.error_number(struct.pack("=i", -1)) == 1
    assert rtnetlink.error_number(bytes(4)) == 0
    assert rtnetlink.error_number(b"") == 0


@given(st.binary(max_size=200))
def test_no_bytes_break_it(data: bytes) -> None:
    for each in rtnetlink.messages(data):
        assert len(each.body) <= len(data)
    for parse in (rtnetlink.link, rtnetlink.address, rtnetlink.default_route):
        parse(data)


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_whole_messages_come_back(bodies: list[bytes]) -> None:
    data = b"".join(message(16, body) + bytes(-len(body) % 4) for body in bodies)
    assert [each.body for each in rtnetlink.messages(data)] == bodies

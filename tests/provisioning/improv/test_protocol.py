from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.improv import protocol
from provisioning.improv.protocol import (
    Assembler,
    BadPacket,
    Capability,
    Command,
    Packet,
    State,
    wifi_settings,
)

# The example of the protocol's document.
EXAMPLE = b"\x01\x1e\x0cMyWirelessAP\x10mysecurepassword\xc0"


def frame(command: int, data: bytes) -> bytes:
    packet = bytes([command, len(data)]) + data
    return packet + bytes([sum(packet) % 256])


def texts(packet: bytes) -> list[str]:
    found, rest = [], packet[2:-1]
    while rest:
        found.append(rest[1 : 1 + rest[0]].decode())
        rest = rest[1 + rest[0] :]
    return found


def test_the_example_of_the_document() -> None:
    packet = Assembler().take(EXAMPLE)
    assert packet is not None
    assert packet.command == Command.WIFI_SETTINGS
    assert wifi_settings(packet.data) == (b"MyWirelessAP", b"mysecurepassword")


@given(st.integers(0, 255), st.binary(max_size=255), st.lists(st.integers(1, 20), min_size=1))
def test_a_packet_may_come_in_pieces(command: int, data: bytes, sizes: list[int]) -> None:
    assembler, whole = Assembler(), frame(command, data)
    taken: list[Packet | None] = []
    while whole:
        size = sizes[len(taken) % len(sizes)]
        taken.append(assembler.take(whole[:size]))
        whole = whole[size:]
    assert taken[-1] == Packet(command, data)
    assert not any(taken[:-1])


@given(st.lists(st.binary(max_size=40)))
def test_nonsense_is_a_bad_packet_or_waited_for(parts: list[bytes]) -> None:
    assembler = Assembler()
    for part in parts:
        try:
            packet = assembler.take(part)
            if packet is not None:
                wifi_settings(packet.data)
        except BadPacket:
            continue


@given(st.binary(max_size=255))
def test_after_a_bad_packet_the_next_one_counts(data: bytes) -> None:
    assembler, good = Assembler(), frame(3, data)
    with pytest.raises(BadPacket):
        assembler.take(good[:-1] + bytes([good[-1] ^ 1]))
    assert assembler.take(good) == Packet(3, data)
    assembler.take(good[:1])
    assembler.forget()
    assert assembler.take(good) == Packet(3, data)


@pytest.mark.parametrize("data", [b"", b"\x05abc", b"\x01a", b"\x01a\x05abc", b"\x01a\x01bc"])
def test_settings_that_are_cut_short_or_too_long(data: bytes) -> None:
    with pytest.raises(BadPacket):
        wifi_settings(data)


@given(
    st.lists(st.text(max_size=60).filter(lambda text: len(text.encode("utf-8", "replace")) < 90))
)
def test_a_result_has_room_for_one_byte_of_length(found: list[str]) -> None:
    told = [each.encode("utf-8", "ignore").decode() for each in found]
    packet = protocol.result(Command.DEVICE_INFO, told)
    assert Assembler().take(packet) is not None
    listed = texts(packet)
    assert listed == told[: len(listed)]
    assert listed == told or sum(1 + len(t.encode()) for t in told[: len(listed) + 1]) > 255


def test_networks_are_told_whole_or_not_at_all() -> None:
    found = [(f"Network number {number}", -50 - number, "WPA2") for number in range(40)]
    listed = texts(protocol.networks(found))
    assert listed[:3] == ["Network number 0", "-50", "WPA2"]
    assert len(listed) % 3 == 0
    assert 8 <= len(listed) // 3 < 40
    assert texts(protocol.networks([])) == []


def test_what_is_advertised() -> None:
    told = protocol.service_data(State.AUTHORIZED, Capability.DEVICE_INFO | Capability.SCAN)
    assert told == b"\x02\x06\0\0\0\0"
    assert protocol.SERVICE == "00467768-6228-2272-4663-277478268000"
    assert protocol.CAPABILITIES == "00467768-6228-2272-4663-277478268005"

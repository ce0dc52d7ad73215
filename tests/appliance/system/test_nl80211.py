"""Forms by their bytes; without radios, that their absence is said and nothing is left open."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.system.nl80211 import (
    WifiUnavailable,
    attribute,
    count_stations,
    family_number,
    request,
    set_country,
)

NO_WIFI = pytest.mark.skipif(
    Path("/sys/class/ieee80211").exists(), reason="this machine has radios: leave them alone"
)


def test_a_request_for_the_rules_of_a_country() -> None:
    # nlmsghdr, genlmsghdr, and the attribute: length 7, kind 33, "DE" with its zero, one to fill.
    wanted = bytes.fromhex("1c000000 1c000500 01000000 00000000 1b010000 07002100 44450000")
    assert request(0x1C, 0x4, 27, attribute(33, b"DE\0")) == wanted


def test_the_number_of_a_family_is_found_among_attributes() -> None:
    body = struct.pack("=BBxx", 1, 2) + attribute(2, b"nl80211\0") + attribute(1, b"\x1c\0")
    assert family_number(body) == 0x1C
    assert family_number(body[:8]) is None


@given(st.binary(max_size=64))
def test_any_answer_can_be_read(body: bytes) -> None:
    number = family_number(body)
    assert number is None or 0 <= number < 2**16


@NO_WIFI
def test_a_kernel_without_wifi_says_so() -> None:
    for _ in range(3):
        with pytest.raises(WifiUnavailable, match="driver"):
            set_country("DE")


@NO_WIFI
def test_an_interface_without_wifi_has_no_stations() -> None:
    with pytest.raises(WifiUnavailable, match="driver"):
        count_stations("lo")


def test_an_interface_that_is_not_there_is_named() -> None:
    with pytest.raises(WifiUnavailable, match="nothing0"):
        count_stations("nothing0")

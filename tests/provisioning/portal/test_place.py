"""Whose requests the portal takes for its own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.payloads import SetupNetwork
from provisioning.portal.place import Place, split_authority

SETUP = SetupNetwork(b"Luna-4F2A", "secret", "10.42.0.1/24", "192.0.2.1")
PLACE = Place.on(SETUP, "luna-4f2a")


@pytest.mark.parametrize(
    "host",
    ["10.42.0.1", "10.42.0.1:80", "192.0.2.1", "luna-4f2a", "LUNA-4F2A.local", "luna-4f2a.local."],
)
def test_its_own_names(host: str) -> None:
    assert PLACE.is_home(host)


@pytest.mark.parametrize(
    "host",
    ["", "10.42.0.2", "10.42.0.1:8080", "10.42.0.1:x", "evil.example", "luna-4f2a.local.evil.org"],
)
def test_other_names(host: str) -> None:
    assert not PLACE.is_home(host)


def test_where_it_is() -> None:
    assert PLACE.home == "http://10.42.0.1/"
    assert PLACE.next == "http://luna-4f2a.local/"
    assert Place("a", "b", ("127.0.0.1/8",), port=8000).home == "http://127.0.0.1:8000/"


def test_only_the_setup_network_is_admitted() -> None:
    assert PLACE.admits("10.42.0.77")
    assert not PLACE.admits("192.168.1.5")


@pytest.mark.parametrize(
    ("origin", "referer"),
    [
        ("http://10.42.0.1", None),
        ("http://10.42.0.1:80", None),
        (None, "http://10.42.0.1/?lang=de"),
        ("http://10.42.0.1", "http://evil.example/"),
    ],
)
def test_forms_of_the_page_are_taken(origin: str | None, referer: str | None) -> None:
    assert PLACE.sent_by_page("10.42.0.1", origin, referer)


@pytest.mark.parametrize(
    ("host", "origin", "referer"),
    [
        ("10.42.0.1", None, None),
        ("10.42.0.1", "null", "http://10.42.0.1/"),
        ("10.42.0.1", "http://evil.example", None),
        ("10.42.0.1", "https://10.42.0.1", None),
        ("10.42.0.1", "http://10.42.0.1:8080", None),
        ("10.42.0.1", "http://[10.42.0.1", None),
        ("10.42.0.1", None, "http://evil.example/http://10.42.0.1/"),
        ("evil.example", "http://evil.example", None),
    ],
)
def test_forms_of_others_are_not(host: str, origin: str | None, referer: str | None) -> None:
    assert not PLACE.sent_by_page(host, origin, referer)


def test_an_authority_is_split() -> None:
    assert split_authority("Luna.local:8080") == ("luna.local", 8080)
    assert split_authority("[fe80::1]") == ("[fe80::1]", 80)
    assert split_authority("[fe80::1]:81") == ("[fe80::1]", 81)


@given(st.text())
def test_any_field_can_be_read(text: str) -> None:
    split_authority(text)
    PLACE.sent_by_page(text, text, text)
    PLACE.sent_by_page("10.42.0.1", "http://" + text, None)

"""Forms of the setup page, as browsers send them."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.credentials import Account, Credentials, Security, Tunnel
from provisioning.portal.forms import BadForm, Mistake, fields, read_join


def sent(**values: str | bytes) -> dict[str, bytes]:
    return fields(urlencode(values).encode())


def test_a_network_of_the_list() -> None:
    ssid = b"caf\xc3\xa9 \xf0\x9f\x8c\x99\xff\x00"
    read = read_join(sent(ssid=ssid.hex(), security="wpa-psk", password="a b+c&d=é\\\"'%"))
    assert read == Credentials(ssid, "a b+c&d=é\\\"'%".encode(), False, Security.PSK)


def test_a_hidden_network() -> None:
    read = read_join(sent(name="Höhle 🐻", security="sae", password="12345678"))
    assert read == Credentials("Höhle 🐻".encode(), b"12345678", True, Security.SAE)


def test_an_open_network_takes_no_password() -> None:
    read = read_join(sent(name="Guests", security="open", password="left over", identity="x"))
    assert read == Credentials(b"Guests", b"", True, Security.OPEN)


def test_an_enterprise_network() -> None:
    values = {"identity": "ann@uni", "tunnel": "ttls", "anonymous": "anon@uni", "domain": "r.uni"}
    read = read_join(sent(ssid=b"eduroam".hex(), security="enterprise", password="pw", **values))
    account = Account("ann@uni", Tunnel.TTLS, "anon@uni", "r.uni")
    assert read == Credentials(b"eduroam", b"pw", False, Security.ENTERPRISE, account)


@given(st.binary(min_size=1, max_size=32), st.binary(min_size=8, max_size=63))
def test_bytes_arrive_as_they_are(ssid: bytes, secret: bytes) -> None:
    read = read_join(sent(ssid=ssid.hex(), security="wpa-psk-sae", password=secret))
    assert (read.ssid, read.secret) == (ssid, secret)


@pytest.mark.parametrize(
    ("values", "mistake", "field"),
    [
        ({"security": "wpa-psk", "password": ""}, "password", "password"),
        ({"security": "wpa-psk"}, "password", "password"),
        ({"security": "wpa-psk", "password": "1234567"}, "password", "password"),
        ({"security": "wpa-psk", "password": "x" * 65}, "password", "password"),
        ({"security": "open", "name": ""}, "ssid", "name"),
        ({"security": "open", "name": "🐻" * 9}, "ssid", "name"),
        ({"security": "enterprise", "password": "x"}, "identity", "identity"),
        ({"security": "enterprise", "identity": "ann"}, "account_password", "password"),
        (
            {"security": "enterprise", "identity": "a\0", "password": "x"},
            "account",
            "identity",
        ),
        (
            {"security": "enterprise", "identity": "a", "password": "x", "domain": "\0"},
            "account",
            "domain",
        ),
        (
            {"security": "enterprise", "identity": "a", "password": b"\xff"},
            "account_password",
            "password",
        ),
    ],
)
def test_a_mistake_is_told_with_all_but_the_password(
    values: dict[str, str], mistake: str, field: str
) -> None:
    with pytest.raises(Mistake) as caught:
        read_join(sent(**({"name": "Home"} | values)))
    entry = caught.value.entry
    assert (entry.mistake, entry.field) == (mistake, field)
    assert entry.ssid.decode() == values.get("name", "Home")
    assert entry.identity == values.get("identity", "")
    assert entry.hidden


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"ssid=41",
        b"ssid=xyz&security=open",
        b"ssid=4&security=open",
        b"ssid=%ff&security=open",
        b"ssid=41&security=wep",
        b"ssid=41&security=unsupported",
        b"ssid=41&security=enterprise&tunnel=tls",
        b"ssid=41&security=enterprise&identity=%ff",
        b"&".join([b"a=b"] * 17),
        b"%ff=1",
        b"\xff=1",
    ],
)
def test_what_the_page_never_sends(body: bytes) -> None:
    with pytest.raises(BadForm):
        read_join(fields(body))


@given(st.binary())
def test_any_body_is_read_or_refused(body: bytes) -> None:
    with suppress(BadForm, Mistake):
        read_join(fields(body))


def test_a_password_does_not_show() -> None:
    with pytest.raises(Mistake) as caught:
        read_join(sent(ssid="41", security="wpa-psk", password="hunter2"))
    assert "hunter2" not in repr(caught.value.entry) + str(caught.value)

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.credentials import (
    Account,
    BadCredentials,
    Credentials,
    Security,
    is_key,
    is_text,
    printable,
    psk_text,
    security_of,
)

PSK, EAP, SAE, OWE, OWE_TM, EAP_192 = 0x100, 0x200, 0x400, 0x800, 0x1000, 0x2000
CCMP = 0x8 | 0x80

BEGIN = "-----BEGIN CERTIFICATE-----"


@pytest.mark.parametrize(
    ("flags", "wpa", "rsn", "security"),
    [
        (0, 0, 0, Security.OPEN),
        (2, 0, 0, Security.OPEN),  # open, with the WPS button
        (0, 0, OWE_TM, Security.OPEN),
        (1, 0, CCMP | OWE, Security.OWE),
        (1, 0, 0, Security.UNSUPPORTED),  # WEP
        (1, CCMP | PSK, 0, Security.PSK),
        (1, 0, CCMP | PSK, Security.PSK),
        (1, 0, CCMP | PSK | SAE, Security.TRANSITION),
        (1, 0, CCMP | SAE, Security.SAE),
        (1, CCMP | EAP, 0, Security.ENTERPRISE),
        (1, 0, CCMP | EAP | EAP_192, Security.ENTERPRISE),
        (1, 0, CCMP | EAP_192, Security.UNSUPPORTED),
        (1, 0, CCMP | PSK | EAP, Security.PSK),
    ],
)
def test_flags_tell_the_security(flags: int, wpa: int, rsn: int, security: Security) -> None:
    assert security_of(flags, wpa, rsn) is security


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_any_flags_have_a_security(flags: int, wpa: int, rsn: int) -> None:
    assert security_of(flags, wpa, rsn) in Security


@pytest.mark.parametrize("ssid", [b"", b"x" * 33])
def test_a_name_has_1_to_32_bytes(ssid: bytes) -> None:
    with pytest.raises(BadCredentials, match="1 to 32 bytes") as caught:
        Credentials(ssid)
    assert caught.value.param == "ssid"


@pytest.mark.parametrize("secret", [b"1234567", b"x" * 64, b"x" * 65, "äöü".encode()])
def test_a_password_of_a_wrong_length_is_refused_before_anything_is_sent(secret: bytes) -> None:
    with pytest.raises(BadCredentials, match="8 to 63") as caught:
        Credentials(b"home", secret)
    assert caught.value.param == "password"
    assert secret.decode() not in caught.value.message


@given(st.binary(min_size=1, max_size=32), st.binary(min_size=8, max_size=63))
def test_any_bytes_of_the_right_length_are_credentials(ssid: bytes, secret: bytes) -> None:
    credentials = Credentials(ssid, secret)
    assert Security.PSK in credentials.fits
    assert (Security.SAE in credentials.fits) == is_text(secret)
    text = psk_text(ssid, secret)
    assert "\0" not in text
    assert text.encode() == secret if is_text(secret) else is_key(text.encode())


def test_a_password_that_is_no_text_goes_as_the_key_that_wpa2_derives() -> None:
    # The test vector of IEEE 802.11-2020 J.4.2, reached through a secret that is text.
    key = hashlib.pbkdf2_hmac("sha1", b"password", b"IEEE", 4096, 32).hex()
    assert key == "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e"
    secret = b"pass\xffword"
    assert psk_text(b"IEEE", secret) == hashlib.pbkdf2_hmac("sha1", secret, b"IEEE", 4096, 32).hex()
    assert psk_text(b"IEEE", b"password") == "password"


def test_a_key_opens_wpa2_only() -> None:
    key = Credentials(b"home", b"0123456789abcdefABCDEF" + b"0" * 42)
    assert key.fits == {Security.PSK, Security.TRANSITION}


def test_no_password_opens_open_networks_only() -> None:
    assert Credentials(b"cafe").fits == {Security.OPEN, Security.OWE}
    assert Credentials(b"cafe").likely_security is Security.OPEN
    assert Credentials(b"home", b"12345678").likely_security is Security.PSK
    hidden = Credentials(b"home", b"12345678", hidden=True, security=Security.SAE)
    assert hidden.likely_security is Security.SAE


@pytest.mark.parametrize(
    ("account", "password", "param"),
    [
        (Account(""), b"secret", "identity"),
        (Account("ann"), b"", "password"),
        (Account("ann"), b"\xff\xfe", "password"),
        (Account("ann\0"), b"x", "identity"),
        (Account("ann", domain="a\0"), b"x", "domain"),
        (Account("ann", certificate="/etc/ca.pem"), b"x", "certificate"),
        (Account("ann", certificate=f"{BEGIN}\n*\n-----END CERTIFICATE-----"), b"x", "certificate"),
    ],
)
def test_an_account_needs_both(account: Account, password: bytes, param: str) -> None:
    with pytest.raises(BadCredentials) as caught:
        Credentials(b"office", password, account=account)
    assert caught.value.param == param


def test_an_account_opens_enterprise_networks_with_a_password_of_any_length() -> None:
    credentials = Credentials(b"office", b"short", account=Account("ann"))
    assert credentials.fits == {Security.ENTERPRISE}
    assert credentials.likely_security is Security.ENTERPRISE


def test_the_secret_does_not_show() -> None:
    credentials = Credentials(b"home", b"correct horse", account=None)
    assert "horse" not in f"{credentials!r} {credentials}"


@pytest.mark.parametrize(
    ("ssid", "text"),
    [
        ("Café 🌙".encode(), "Café 🌙"),
        (b"\xff\xfe", "\\xff\\xfe"),
        (b"a\nb\x1b[2J", "a\\u000ab\\u001b[2J"),
        (b"quote'\",\\", "quote'\",\\"),
    ],
)
def test_a_name_is_printed_harmlessly(ssid: bytes, text: str) -> None:
    assert printable(ssid) == text


@given(st.binary(min_size=1, max_size=32))
def test_any_name_can_be_printed(ssid: bytes) -> None:
    assert printable(ssid).isprintable()

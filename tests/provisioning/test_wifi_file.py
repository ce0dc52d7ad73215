from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.credentials import Account, BadCredentials, Credentials, Security, Tunnel
from provisioning.wifi_file import BadWifiFile, WifiFile, parse


def test_a_whole_file() -> None:
    text = """
    country = "DE"

    [[network]]
    ssid = "Café 🌙"
    password = 'quote"s and \\ '

    [[network]]
    ssid_hex = "fffe"
    hidden = true
    security = "sae"
    password = "correct horse"

    [[network]]
    ssid = "uni"
    identity = "ann"
    password = "pw"
    method = "ttls"
    domain = "uni.example"
    """
    assert parse(b"\xef\xbb\xbf" + text.encode()) == WifiFile(
        (
            Credentials("Café 🌙".encode(), b'quote"s and \\ '),
            Credentials(b"\xff\xfe", b"correct horse", hidden=True, security=Security.SAE),
            Credentials(b"uni", b"pw", account=Account("ann", Tunnel.TTLS, domain="uni.example")),
        ),
        "DE",
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssid = 'x'",
        "[[network]]\nssid = 'x'\npasword = 'secret thing'",
        "[[network]]\nssid = 3",
        "[[network]]\nssid_hex = 'xyz'",
        "[[network]]\nssid = 'x'\nmethod = 'leap'",
        "[[network]]\nssid = 'x",
    ],
)
def test_what_is_wrong_is_said_without_passwords(text: str) -> None:
    with pytest.raises(BadWifiFile) as caught:
        parse(text.encode())
    assert "secret thing" not in caught.value.message


def test_what_can_never_work_is_said_too() -> None:
    with pytest.raises(BadCredentials, match="8 to 63"):
        parse(b"[[network]]\nssid = 'x'\npassword = 'short'")
    with pytest.raises(BadCredentials, match="1 to 32"):
        parse(b"[[network]]")


@given(st.binary(max_size=200))
def test_any_file_is_read_or_refused(content: bytes) -> None:
    try:
        parse(content)
    except (BadWifiFile, BadCredentials):
        return

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.credentials import Account, BadCredentials, Credentials, Security, Tunnel
from provisioning.wifi_file import BadWifiFile
from provisioning.wpa_supplicant import parse

KEY = b"0123456789abcdef" * 4


def networks(*lines: bytes) -> tuple[Credentials, ...]:
    body = b"\n".join(lines)
    return parse(b"country=DE # here\nctrl_interface=/run\nnetwork={\n" + body + b"\n}\n").networks


def test_a_whole_file() -> None:
    text = b"""\
# made by hand
ctrl_interface=DIR=/run/wpa_supplicant GROUP=netdev
update_config=1
country="DE"

network={
    ssid="home"   # ours
    psk="correct horse"
}
network = {
\tssid="work"
\tpsk="battery staple"
\tpriority=5
}
network={
    ssid="off"
    key_mgmt=NONE
    disabled=1
}
"""
    told = parse(text.replace(b'"home"   # ours', b'"home"'))
    assert told.country == "DE"
    assert [each.ssid for each in told.networks] == [b"work", b"home"], "by priority"
    assert told.networks[1] == Credentials(b"home", b"correct horse")


@pytest.mark.parametrize(
    ("value", "ssid"),
    [
        (b'"with "quotes" and # in it"', b'with "quotes" and # in it'),
        (b'"back\\slash"', b"back\\slash"),
        (b"fffe00", b"\xff\xfe\x00"),
        (b"fffe00 # no text", b"\xff\xfe\x00"),
        (b'P"a\\x41\\n\\"\\\\\\101\\e"', b'aA\n"\\A\x1b'),
        ('"Café 🌙"'.encode(), "Café 🌙".encode()),
    ],
)
def test_names_in_all_their_forms(value: bytes, ssid: bytes) -> None:
    (found,) = networks(b"ssid=" + value, b"key_mgmt=NONE")
    assert found.ssid == ssid


def test_keys_and_the_ways_to_protect() -> None:
    (found,) = networks(b'ssid="x"', b"psk=" + KEY)
    assert found.secret == KEY
    (found,) = networks(b'ssid="x"', b'sae_password="correct horse"', b"key_mgmt=SAE")
    assert (found.security, found.secret) == (Security.SAE, b"correct horse")
    (found,) = networks(b'ssid="x"', b'psk="correct horse"', b"scan_ssid=1")
    assert found.hidden
    (found,) = networks(b'ssid="x"', b'psk="correct horse"', b"key_mgmt=NONE")
    assert found.secret == b"", "left over from another time"


def test_enterprise() -> None:
    (found,) = networks(
        b'ssid="uni"',
        b"key_mgmt=WPA-EAP",
        b"eap=TTLS",
        b'identity="ann"',
        b'anonymous_identity="anyone"',
        b'password="pw"',
        b'phase2="auth=PAP"',
    )
    assert found.account == Account("ann", Tunnel.TTLS, "anyone")
    assert found.secret == b"pw"


@pytest.mark.parametrize(
    "content",
    [
        b"network={",
        b'network={\nssid="x"\n',
        b"network=\n}",
        b"network={\n}",
        b"network={\nssid=xyz\n}",
        b'network={\nssid="x\n}',
        b'network={\nssid="x"\npsk=secret thing\n}',
    ],
)
def test_what_is_wrong_is_said_without_passwords(content: bytes) -> None:
    with pytest.raises(BadWifiFile) as caught:
        parse(content)
    assert "secret thing" not in caught.value.message


TEXT = st.binary(min_size=1, max_size=32).filter(
    lambda ssid: not set(ssid) & set(b"\r\n\v\f\x1c\x1d\x1e\x85")
)


@given(st.binary(min_size=1, max_size=32), st.binary(min_size=8, max_size=63))
def test_whatever_is_written_is_read(ssid: bytes, secret: bytes) -> None:
    escaped = "".join(f"\\x{byte:02x}" for byte in secret).encode()
    (found,) = networks(b"ssid=" + ssid.hex().encode(), b'psk=P"' + escaped + b'"')
    assert (found.ssid, found.secret) == (ssid, secret)


@given(TEXT)
def test_text_in_quotes_needs_no_escapes(ssid: bytes) -> None:
    (found,) = networks(b'ssid="' + ssid + b'"', b"key_mgmt=NONE")
    assert found.ssid == ssid


@given(
    st.lists(st.sampled_from([b"network={", b"}", b"ssid=", b'"', b"x", b"\n", b"psk=", b"\xff"]))
)
def test_any_file_is_read_or_refused(pieces: list[bytes]) -> None:
    try:
        parse(b"".join(pieces))
    except (BadWifiFile, BadCredentials):
        return


def test_a_server_that_was_checked_does_not_become_one_that_is_not() -> None:
    network = b'network={\nssid="uni"\nkey_mgmt=WPA-EAP\nidentity="a"\npassword="p"\n%s}\n'
    checked = b'ca_cert="/etc/ca.pem"\n'
    with pytest.raises(BadWifiFile, match="domain_suffix_match"):
        parse(network % checked)
    (told,) = parse(network % (checked + b'domain_suffix_match="uni.example"\n')).networks
    assert told.account is not None
    assert told.account.domain == "uni.example"

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.system.bus import plain
from provisioning.credentials import Account, Credentials, Security, Tunnel
from provisioning.payloads import SETUP_UUID, SetupNetwork, setup_network, station

HOME = Credentials(b"home", b"correct horse")


def section(credentials: Credentials, security: Security, *, plain_wpa2: bool = False) -> object:
    payload = plain(station(credentials, security, plain_wpa2=plain_wpa2))
    return payload.get("802-11-wireless-security")


@pytest.mark.parametrize(
    ("security", "wanted"),
    [
        (Security.OPEN, None),
        (Security.OWE, {"key-mgmt": "owe"}),
        (Security.PSK, {"key-mgmt": "wpa-psk", "psk": "correct horse"}),
        (Security.TRANSITION, {"key-mgmt": "wpa-psk", "psk": "correct horse"}),
        (Security.SAE, {"key-mgmt": "sae", "psk": "correct horse"}),
    ],
)
def test_each_security_has_its_section(security: Security, wanted: object) -> None:
    assert section(HOME, security) == wanted


def test_plain_wpa2_is_without_protected_frames() -> None:
    wanted = {"key-mgmt": "wpa-psk", "psk": "correct horse", "pmf": 1}
    assert section(HOME, Security.TRANSITION, plain_wpa2=True) == wanted


@pytest.mark.parametrize(("tunnel", "inner"), [(Tunnel.PEAP, "mschapv2"), (Tunnel.TTLS, "pap")])
def test_enterprise(tunnel: Tunnel, inner: str) -> None:
    account = Account("ann", tunnel, anonymous="anyone", domain="uni.example")
    payload = plain(station(Credentials(b"uni", b"pw", account=account), Security.ENTERPRISE))
    assert payload["802-11-wireless-security"] == {"key-mgmt": "wpa-eap"}
    assert payload["802-1x"] == {
        "eap": [str(tunnel)],
        "identity": "ann",
        "password": "pw",
        "phase2-auth": inner,
        "anonymous-identity": "anyone",
        "system-ca-certs": True,
        "domain-suffix-match": "uni.example",
    }


def test_a_certificate_of_its_own_comes_before_the_public_ones() -> None:
    text = (Path(__file__).parents[1] / "helpers/localhost.crt").read_text("ascii")
    account = Account("ann", domain="uni.example", certificate=f"\n{text}\n")
    section = plain(station(Credentials(b"uni", b"pw", account=account), Security.ENTERPRISE))[
        "802-1x"
    ]
    assert "system-ca-certs" not in section
    assert section["domain-suffix-match"] == "uni.example"
    assert ssl.DER_cert_to_PEM_cert(section["ca-cert"]).strip() == text.strip()
    assert "BEGIN" not in repr(account)


def test_without_a_domain_nobody_is_checked() -> None:
    credentials = Credentials(b"uni", b"pw", account=Account("ann"))
    payload = plain(station(credentials, Security.ENTERPRISE))
    assert {"system-ca-certs", "anonymous-identity"}.isdisjoint(payload["802-1x"])


@given(st.binary(min_size=1, max_size=32), st.booleans())
def test_a_name_goes_as_its_bytes_and_is_hidden_only_when_told(ssid: bytes, hidden: bool) -> None:
    payload = plain(station(Credentials(ssid, hidden=hidden), Security.OPEN))
    assert payload["802-11-wireless"]["ssid"] == ssid
    assert payload["802-11-wireless"]["hidden"] is hidden
    assert payload["connection"]["autoconnect-retries"] == 0


def test_every_profile_has_an_identity_of_its_own() -> None:
    first, second = (plain(station(HOME, Security.PSK)) for _ in range(2))
    assert first["connection"]["uuid"] != second["connection"]["uuid"]


def test_the_setup_network_is_plain_wpa2_or_open() -> None:
    network = SetupNetwork(b"Luna-1", "on the label")
    payload = plain(setup_network(network, 6))
    assert payload["802-11-wireless-security"] == {
        "key-mgmt": "wpa-psk",
        "psk": "on the label",
        "pmf": 1,
        "proto": ["rsn"],
        "pairwise": ["ccmp"],
        "group": ["ccmp"],
    }
    assert payload["connection"]["uuid"] == SETUP_UUID
    assert payload["connection"]["autoconnect"] is False
    assert payload["ipv4"] == {
        "method": "shared",
        "address-data": [{"address": "10.42.0.1", "prefix": 24}],
    }
    assert "label" not in repr(network)
    opened = plain(setup_network(SetupNetwork(b"Luna-1"), 36))
    assert "802-11-wireless-security" not in opened
    assert (opened["802-11-wireless"]["band"], opened["802-11-wireless"]["channel"]) == ("a", 36)

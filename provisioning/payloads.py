"""What NetworkManager is told: profiles as it wants them, made of bytes and never of text.

Reference: nm-settings-dbus(5).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any, Final

from appliance.system.bus import Variant
from provisioning.credentials import (
    Account,
    Credentials,
    Security,
    Tunnel,
    certificate_bytes,
    printable,
    psk_text,
)
from provisioning.nm.settings import Payload

# The setup network is known by this, whoever started it.
SETUP_UUID: Final = str(uuid.uuid5(uuid.NAMESPACE_DNS, "setup.luna.local"))
_PMF_OFF: Final = 1
_POWER_SAVING_OFF: Final = 2
_FOR_EVER: Final = 0


@dataclass(frozen=True, slots=True)
class SetupNetwork:
    """The network that the box makes itself; `passphrase` empty means an open one.

    Its DNS answers with `dns_answer` if there is one, which is the box too.
    """

    ssid: bytes
    passphrase: str = field(default="", repr=False)
    address: str = "10.42.0.1/24"
    dns_answer: str = ""


def station(credentials: Credentials, security: Security, *, plain_wpa2: bool = False) -> Payload:
    """A profile for joining a network that is protected by `security`.

    `plain_wpa2` keeps NetworkManager from adding WPA3 and protected management frames, with which
    some access points of both kinds, and some radios, do not work.
    """
    payload: dict[str, dict[str, Variant]] = {
        "connection": _typed(
            id=("s", printable(credentials.ssid)),
            uuid=("s", str(uuid.uuid4())),
            type=("s", "802-11-wireless"),
            autoconnect=("b", True),
            autoconnect_retries=("i", _FOR_EVER),
        ),
        "802-11-wireless": _typed(
            ssid=("ay", credentials.ssid),
            mode=("s", "infrastructure"),
            # Said in any case: NetworkManager takes a network that it cannot see for a hidden one.
            hidden=("b", credentials.hidden),
            powersave=("u", _POWER_SAVING_OFF),
        ),
        "ipv4": _typed(method=("s", "auto")),
        "ipv6": _typed(method=("s", "auto")),
    }
    if security is Security.OWE:
        payload["802-11-wireless-security"] = _typed(key_mgmt=("s", "owe"))
    elif security is Security.ENTERPRISE and credentials.account is not None:
        payload["802-11-wireless-security"] = _typed(key_mgmt=("s", "wpa-eap"))
        payload["802-1x"] = _enterprise(credentials.account, credentials.secret)
    elif security.takes_passphrase:
        section = _typed(
            key_mgmt=("s", "sae" if security is Security.SAE else "wpa-psk"),
            psk=("s", psk_text(credentials.ssid, credentials.secret)),
        )
        if plain_wpa2:
            section["pmf"] = Variant("i", _PMF_OFF)
        payload["802-11-wireless-security"] = section
    return payload


def setup_network(network: SetupNetwork, channel: int) -> Payload:
    """A profile for the setup network, with DHCP and DNS by NetworkManager.

    Protected, it is WPA2 with CCMP and nothing else: radios of the Broadcom family fail as an
    access point that offers protected management frames, and phones warn of WPA1.
    """
    payload: dict[str, dict[str, Variant]] = {
        "connection": _typed(
            id=("s", "Luna setup"),
            uuid=("s", SETUP_UUID),
            type=("s", "802-11-wireless"),
            autoconnect=("b", False),
        ),
        "802-11-wireless": _typed(
            ssid=("ay", network.ssid),
            mode=("s", "ap"),
            band=("s", "bg" if channel <= 14 else "a"),
            channel=("u", channel),
        ),
        # NetworkManager takes the first address only.
        "ipv4": _typed(
            method=("s", "shared"), address_data=("aa{sv}", [_address(network.address)])
        ),
        "ipv6": _typed(method=("s", "disabled")),
    }
    if network.passphrase:
        payload["802-11-wireless-security"] = _typed(
            key_mgmt=("s", "wpa-psk"),
            psk=("s", network.passphrase),
            pmf=("i", _PMF_OFF),
            proto=("as", ["rsn"]),
            pairwise=("as", ["ccmp"]),
            group=("as", ["ccmp"]),
        )
    return payload


def _enterprise(account: Account, password: bytes) -> dict[str, Variant]:
    section = _typed(
        eap=("as", [str(account.tunnel)]),
        identity=("s", account.identity),
        password=("s", password.decode("utf-8")),
        phase2_auth=("s", "mschapv2" if account.tunnel is Tunnel.PEAP else "pap"),
    )
    if account.anonymous:
        section["anonymous-identity"] = Variant("s", account.anonymous)
    if account.certificate:
        section["ca-cert"] = Variant("ay", certificate_bytes(account.certificate))
    elif account.domain:
        section["system-ca-certs"] = Variant("b", True)
    if account.domain:
        section["domain-suffix-match"] = Variant("s", account.domain)
    return section


def _address(text: str) -> dict[str, Variant]:
    address, _, prefix = text.partition("/")
    return _typed(address=("s", address), prefix=("u", int(prefix)))


def _typed(**values: tuple[str, Any]) -> dict[str, Variant]:
    return {name.replace("_", "-"): Variant(*value) for name, value in values.items()}

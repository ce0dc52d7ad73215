"""`luna-wifi.toml`: WiFi networks in a file that a person writes on a computer.

    country = "DE"

    [[network]]
    ssid = "Home"
    password = "correct horse"

A network may have `hidden`, `security`, and for enterprise `identity`, `method`, `anonymous`,
`domain` and `certificate` (the text of a PEM file). `ssid_hex` in place of `ssid` has the bytes of
a name that is no text.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field

import msgspec
from msgspec import Struct

from appliance.errors import BadRequest
from provisioning.credentials import Account, Credentials, Security, Tunnel

NAME = "luna-wifi.toml"


class BadWifiFile(BadRequest):
    """The file cannot be understood; the message says where and why, without any password."""

    code = "bad_wifi_file"


@dataclass(frozen=True, slots=True)
class WifiFile:
    """What a file asks for; `country` is empty where it says nothing of it."""

    networks: tuple[Credentials, ...] = ()
    country: str = field(default="")


class _Network(Struct, frozen=True, forbid_unknown_fields=True):
    ssid: str = ""
    ssid_hex: str = ""
    password: str = ""
    hidden: bool = False
    security: Security | None = None
    identity: str = ""
    method: Tunnel = Tunnel.PEAP
    anonymous: str = ""
    domain: str = ""
    certificate: str = ""


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    network: tuple[_Network, ...]
    country: str = ""


def parse(content: bytes) -> WifiFile:
    """The networks of a file. Raises BadWifiFile or BadCredentials."""
    try:
        # Notepad begins its files with a mark.
        told = msgspec.convert(tomllib.loads(content.decode("utf-8-sig")), _File)
        return WifiFile(tuple(map(_credentials, told.network)), told.country)
    except UnicodeDecodeError as error:
        raise BadWifiFile(f"{NAME} is no UTF-8 text; save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise BadWifiFile(f"{NAME} cannot be read: {error}.") from error
    except msgspec.ValidationError as error:
        raise BadWifiFile(f"{NAME} is not right: {error}.") from error


def _credentials(told: _Network) -> Credentials:
    account = None
    if told.identity:
        account = Account(told.identity, told.method, told.anonymous, told.domain, told.certificate)
    try:
        ssid = bytes.fromhex(told.ssid_hex) if told.ssid_hex else told.ssid.encode("utf-8")
    except ValueError as error:
        raise BadWifiFile(f"{NAME} has an ssid_hex that is not hexadecimal.") from error
    secret = told.password.encode("utf-8")
    return Credentials(ssid, secret, told.hidden, told.security, account)

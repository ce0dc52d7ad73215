r"""`wpa_supplicant.conf`: networks in the form of wpa_supplicant.conf(5), as far as Luna can.

Values are `"text"` up to the last quote of the line, `P"text"` with escapes of printf, or bytes in
hexadecimal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from provisioning.credentials import Account, Credentials, Security, Tunnel
from provisioning.wifi_file import BadWifiFile, WifiFile

NAME: Final = "wpa_supplicant.conf"
_ESCAPES: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"e": b"\x1b", b'"': b'"', b"\\": b"\\"}
_ESCAPE: Final = re.compile(rb"\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))", re.S)
_PRIVATE_KEYS: Final = ("psk", "password", "sae_password")


def parse(content: bytes) -> WifiFile:
    """The networks of a file, best first. Raises BadWifiFile or BadCredentials.

    Networks that are disabled are left out.
    """
    country = ""
    found: list[tuple[int, Credentials]] = []
    lines = enumerate(content.removeprefix(b"\xef\xbb\xbf").splitlines(), 1)
    for number, line in lines:
        key, value = _pair(line)
        if key == "network":
            if value != b"{":
                raise BadWifiFile(f"{NAME}, line {number}: network= needs a {{ behind it.")
            fields = _block(lines)
            if fields.get("disabled", b"0") != b"1":
                found.append((_priority(fields), _credentials(fields, number)))
        elif key == "country":
            country = value.decode("ascii", "replace").strip('"')
    found.sort(key=lambda each: -each[0])
    return WifiFile(tuple(credentials for _, credentials in found), country)


def _pair(line: bytes) -> tuple[str, bytes]:
    """Key and value of a line; both empty where it is blank or a comment."""
    text = line.strip()
    if text.startswith(b"#"):
        return "", b""
    key, _, value = text.partition(b"=")
    value = value.strip()
    if b'"' not in value:  # within quotes a # is part of the text
        value = value.partition(b"#")[0].rstrip()
    return key.strip().decode("ascii", "replace"), value


def _block(lines: Iterator[tuple[int, bytes]]) -> dict[str, bytes]:
    fields: dict[str, bytes] = {}
    for _, line in lines:
        if line.strip() == b"}":
            return fields
        key, value = _pair(line)
        if key:
            fields[key] = value
    raise BadWifiFile(f"{NAME} ends within a network: a }} is missing.")


def _priority(fields: Mapping[str, bytes]) -> int:
    try:
        return int(fields.get("priority", b"0"))
    except ValueError:
        return 0


def _credentials(fields: Mapping[str, bytes], number: int) -> Credentials:
    def value(key: str) -> bytes:
        return _value(fields[key], key, number) if key in fields else b""

    if "ssid" not in fields:
        raise BadWifiFile(f"{NAME}, line {number}: the network has no ssid.")
    management = fields.get("key_mgmt", b"").upper().split()
    account = None
    if "ca_cert" in fields and "domain_suffix_match" not in fields:
        raise BadWifiFile(  # without it the password would go to anybody
            f"{NAME}, line {number}: ca_cert names a file of another computer; add "
            "domain_suffix_match, or use luna-wifi.toml, which has room for the certificate."
        )
    if any(b"EAP" in each for each in management) or "identity" in fields:
        account = Account(
            identity=value("identity").decode("utf-8", "replace"),
            tunnel=Tunnel.TTLS if b"TTLS" in fields.get("eap", b"").upper() else Tunnel.PEAP,
            anonymous=value("anonymous_identity").decode("utf-8", "replace"),
            domain=value("domain_suffix_match").decode("utf-8", "replace"),
        )
    secret = value("password") if account else value("sae_password") or _psk(fields, number)
    return Credentials(
        ssid=value("ssid"),
        secret=b"" if management == [b"NONE"] else secret,
        hidden=fields.get("scan_ssid") == b"1",
        security=Security.SAE if management == [b"SAE"] else None,
        account=account,
    )


def _psk(fields: Mapping[str, bytes], number: int) -> bytes:
    """A passphrase in quotes, or a key of 64 hexadecimal digits, which stays as it is."""
    told = fields.get("psk", b"")
    return told if len(told) == 64 and b'"' not in told else _value(told, "psk", number)


def _value(told: bytes, key: str, number: int) -> bytes:
    if told.startswith(b'P"') and told.endswith(b'"') and len(told) > 2:
        return _ESCAPE.sub(_unescaped, told[2:-1])
    if told.startswith(b'"') and told.endswith(b'"') and len(told) > 1:
        return told[1:-1]
    try:
        return bytes.fromhex(told.decode("ascii"))
    except (UnicodeDecodeError, ValueError) as error:
        shown = "" if key in _PRIVATE_KEYS else f" ({told.decode('ascii', 'backslashreplace')})"
        raise BadWifiFile(
            f"{NAME}, in the network of line {number}: {key} is neither text in quotes nor "
            f"hexadecimal{shown}."
        ) from error


def _unescaped(match: re.Match[bytes]) -> bytes:
    hexadecimal, octal, character = match.groups()
    if hexadecimal:
        return bytes([int(hexadecimal, 16)])
    if octal:
        return bytes([int(octal, 8) & 0xFF])
    return _ESCAPES.get(character, character)

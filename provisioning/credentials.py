"""What a network asks for and what a person may answer: SSIDs and secrets as bytes, never as text.

Rules: IEEE 802.11-2020 9.4.2.2 (SSID), J.4 (passphrase to key); flag bits are those of
NetworkManager's `NM80211ApFlags` and `NM80211ApSecurityFlags`.
"""

from __future__ import annotations

import hashlib
import ssl
import string
from dataclasses import dataclass, field
from enum import StrEnum, unique

from appliance.errors import BadRequest

_PRIVACY = 0x1
_PSK, _8021X, _SAE, _OWE, _OWE_TM, _EAP_192 = 0x100, 0x200, 0x400, 0x800, 0x1000, 0x2000
_HEX = frozenset(string.hexdigits.encode())


class BadCredentials(BadRequest):
    """They cannot be right, whatever the network is; `param` says which of them."""

    code = "bad_credentials"


@unique
class Security(StrEnum):
    """How a network protects itself; values are part of the D-Bus interface."""

    OPEN = "open"
    OWE = "owe"
    PSK = "wpa-psk"
    TRANSITION = "wpa-psk-sae"
    SAE = "sae"
    ENTERPRISE = "enterprise"
    UNSUPPORTED = "unsupported"

    @property
    def takes_passphrase(self) -> bool:
        """A shared passphrase lets one in."""
        return self in (Security.PSK, Security.TRANSITION, Security.SAE)


@unique
class Tunnel(StrEnum):
    """The outer method of an enterprise network."""

    PEAP = "peap"
    TTLS = "ttls"


@dataclass(frozen=True, slots=True)
class Account:
    """Who logs in to an enterprise network.

    With `domain` the server has to show a certificate for it, signed by a public authority or by
    the owner of `certificate`, which is PEM text; with neither, nobody checks to whom the password
    goes.
    """

    identity: str
    tunnel: Tunnel = Tunnel.PEAP
    anonymous: str = ""
    domain: str = ""
    certificate: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a person entered. `security` is only needed where no access point can be seen."""

    ssid: bytes
    secret: bytes = b""
    hidden: bool = False
    security: Security | None = None
    account: Account | None = None

    def __post_init__(self) -> None:
        """Raise BadCredentials for what can never work."""
        if not 1 <= len(self.ssid) <= 32:
            raise BadCredentials(
                f"A network name has 1 to 32 bytes, this one has {len(self.ssid)}.", param="ssid"
            )
        if self.account is not None:
            _check_account(self.account, self.secret)
        elif self.secret and not is_key(self.secret) and not 8 <= len(self.secret) <= 63:
            raise BadCredentials(
                "A WiFi password has 8 to 63 characters (or is a key of 64 hexadecimal digits); "
                f"this one has {len(self.secret)} bytes.",
                param="password",
            )

    def __repr__(self) -> str:
        """Without the secret, because it may reach a log."""
        return f"Credentials(ssid={self.ssid!r}, hidden={self.hidden}, security={self.security})"

    @property
    def fits(self) -> frozenset[Security]:
        """Kinds of network that these credentials can open."""
        if self.account is not None:
            return frozenset({Security.ENTERPRISE})
        if not self.secret:
            return frozenset({Security.OPEN, Security.OWE})
        if is_key(self.secret) or not is_text(self.secret):  # SAE needs the passphrase itself
            return frozenset({Security.PSK, Security.TRANSITION})
        return frozenset({Security.PSK, Security.TRANSITION, Security.SAE})

    @property
    def likely_security(self) -> Security:
        """What to try where no access point can be seen."""
        if self.security is not None:
            return self.security
        if self.account is not None:
            return Security.ENTERPRISE
        return Security.PSK if self.secret else Security.OPEN


def security_of(flags: int, wpa_flags: int, rsn_flags: int) -> Security:
    """How an access point with these flags is to be joined, the strongest way that Luna speaks."""
    both = wpa_flags | rsn_flags
    if both & _PSK:
        return Security.TRANSITION if rsn_flags & _SAE else Security.PSK
    if rsn_flags & _SAE:
        return Security.SAE
    if both & _8021X:
        return Security.ENTERPRISE
    if rsn_flags & _OWE:
        return Security.OWE
    if rsn_flags & _EAP_192 or flags & _PRIVACY:
        return Security.UNSUPPORTED  # 192-bit enterprise needs certificates; bare privacy is WEP
    # The open half of an OWE pair: its other half is an access point of its own.
    return Security.OPEN


def is_key(secret: bytes) -> bool:
    """Whether it is a ready-made pre-shared key: 64 hexadecimal digits."""
    return len(secret) == 64 and _HEX.issuperset(secret)


def psk_text(ssid: bytes, secret: bytes) -> str:
    """The passphrase as D-Bus can carry it.

    As it is wherever possible: SAE needs the passphrase itself. One that is no text goes as its
    derived key, which only WPA2 understands.
    """
    if is_text(secret):
        return secret.decode("utf-8")
    return hashlib.pbkdf2_hmac("sha1", secret, ssid, 4096, 32).hex()


def is_text(secret: bytes) -> bool:
    """Whether D-Bus can carry it as a string."""
    try:
        return "\0" not in secret.decode("utf-8")
    except UnicodeDecodeError:
        return False


def printable(ssid: bytes) -> str:
    """A network name for a person; what is no UTF-8, or would move the cursor, is escaped."""
    text = ssid.decode("utf-8", "backslashreplace")
    return "".join(
        character if character.isprintable() else f"\\u{ord(character):04x}" for character in text
    )


def _check_account(account: Account, password: bytes) -> None:
    if not account.identity:
        raise BadCredentials("This network needs a user name.", param="identity")
    if not password:
        raise BadCredentials("This network needs the password of the user.", param="password")
    for name in ("identity", "anonymous", "domain"):
        if "\0" in getattr(account, name):
            raise BadCredentials(f"The {name} must not contain a zero character.", param=name)
    if not is_text(password):
        raise BadCredentials("The password of the user has to be UTF-8 text.", param="password")
    if account.certificate:
        certificate_bytes(account.certificate)


def certificate_bytes(text: str) -> bytes:
    """One certificate of PEM text as DER. Raises BadCredentials."""
    try:
        found = ssl.PEM_cert_to_DER_cert(text.strip())
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=found)
        return found
    except (ValueError, ssl.SSLError) as error:
        raise BadCredentials(
            "The certificate has to be one certificate as PEM text, which begins with "
            "-----BEGIN CERTIFICATE-----.",
            param="certificate",
        ) from error

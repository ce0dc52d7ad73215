"""What the page's forms send, read into credentials.

Names of networks come as hexadecimal digits from the list, as text where they were typed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

from provisioning.credentials import Account, BadCredentials, Credentials, Security, Tunnel

_MOST_FIELDS = 16
_CHOICES = frozenset(Security) - {Security.UNSUPPORTED}


class BadForm(ValueError):
    """Not what the page sends."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A form to join a network, as a person filled it in; without the password.

    It is what the page needs to show the form again. `mistake` is a key of "error" in the
    languages, `field` the one that it is about.
    """

    ssid: bytes = b""
    hidden: bool = False
    security: Security = Security.PSK
    identity: str = ""
    tunnel: Tunnel = Tunnel.PEAP
    anonymous: str = ""
    domain: str = ""
    mistake: str = ""
    field: str = ""


class Mistake(Exception):
    """The form cannot work as it was filled in; `entry` tells what to correct."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry.mistake)
        self.entry = entry


def fields(body: bytes) -> dict[str, bytes]:
    """Fields of an `application/x-www-form-urlencoded` body; BadForm if it is none."""
    try:
        # Latin-1 maps every byte to a character and back: passwords need not be UTF-8.
        pairs = parse_qsl(
            body.decode("latin-1"),
            keep_blank_values=True,
            encoding="latin-1",
            max_num_fields=_MOST_FIELDS,
        )
        return {name: value.encode("latin-1") for name, value in pairs}
    except ValueError as error:
        raise BadForm("too many fields") from error


def read_join(sent: Mapping[str, bytes]) -> Credentials:
    """Credentials of a form to join; Mistake for a person's, BadForm for a program's."""
    entry = _entry(sent)
    secret = sent.get("password", b"")
    if entry.security.takes_passphrase and not secret:
        raise _mistake(entry, "password", "password")
    if not entry.security.takes_passphrase and entry.security is not Security.ENTERPRISE:
        secret = b""
    try:
        return Credentials(entry.ssid, secret, entry.hidden, entry.security, _account(entry))
    except BadCredentials as error:
        raise _mistake(entry, *_words(error, entry)) from error


def _entry(sent: Mapping[str, bytes]) -> Entry:
    try:
        ssid = bytes.fromhex(sent["ssid"].decode("ascii")) if "ssid" in sent else sent["name"]
        security = Security(sent["security"].decode("ascii"))
        tunnel = Tunnel(sent.get("tunnel", b"peap").decode("ascii"))
        texts = {
            name: sent.get(name, b"").decode("utf-8")
            for name in ("identity", "anonymous", "domain")
        }
    except (KeyError, ValueError) as error:
        raise BadForm("a field is missing or has a value that the page does not send") from error
    if security not in _CHOICES:
        raise BadForm("a network that cannot be joined")
    return Entry(ssid, "ssid" not in sent, security, tunnel=tunnel, **texts)


def _account(entry: Entry) -> Account | None:
    if entry.security is not Security.ENTERPRISE:
        return None
    return Account(entry.identity, entry.tunnel, entry.anonymous, entry.domain)


def _words(error: BadCredentials, entry: Entry) -> tuple[str, str]:
    """Key of the mistake, and the form's field."""
    field = error.param or "password"
    if field == "ssid":
        return "ssid", "name"
    if field == "password" and entry.security is Security.ENTERPRISE:
        return "account_password", field
    if field == "identity" and entry.identity:
        return "account", field
    return (field, field) if field in ("password", "identity") else ("account", field)


def _mistake(entry: Entry, mistake: str, field: str) -> Mistake:
    return Mistake(replace(entry, mistake=mistake, field=field))

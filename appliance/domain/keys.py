"""API keys: how they are made, kept and recognised.

A key is 256 random bits, so nobody finds it by guessing, and one round of SHA-256 is enough to
keep it by: slow hashes are for passwords, which people choose.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal

Scope = Literal["inference", "admin"]
SCOPES: Final[tuple[Scope, ...]] = ("inference", "admin")
NOBODY: Final[frozenset[Scope]] = frozenset()
EVERYTHING: Final[frozenset[Scope]] = frozenset(SCOPES)
_PREFIX = "luna_"
_BYTES = 32


@dataclass(frozen=True, slots=True)
class Key:
    """What is kept of a key; who may administer may use the models too."""

    name: str
    scopes: frozenset[Scope]
    digest: bytes

    @property
    def grants(self) -> frozenset[Scope]:
        """What its bearer may do."""
        return EVERYTHING if "admin" in self.scopes else self.scopes


class Keyring:
    """The keys that there are at one moment; `closed` if the models stay closed without any."""

    def __init__(self, keys: Iterable[Key] = (), *, closed: bool = False) -> None:
        self._keys = tuple(keys)
        self.closes_inference = closed or any("inference" in key.scopes for key in self._keys)
        """Whether the models are for those with a key only."""
        self.has_admin = any("admin" in key.scopes for key in self._keys)
        """Whether there is a key to administer with."""

    def find(self, secret: str) -> Key | None:
        """The key that somebody shows; takes equally long whichever it is, and if it is none."""
        shown, found = digest(secret), None
        for key in self._keys:
            if hmac.compare_digest(key.digest, shown):
                found = key
        return found


def new_secret(random: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """A new key as its bearer writes it."""
    return _PREFIX + base64.urlsafe_b64encode(random(_BYTES)).decode().rstrip("=")


def digest(secret: str) -> bytes:
    """What is kept of a key."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()

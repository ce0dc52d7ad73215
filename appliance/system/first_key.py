"""The first key for administration, from who makes it to the server that will know it.

Root makes it at the first boot but leaves the server's database alone: only the digest is handed
over, in a file of the server's folder. The key itself waits in a folder of its own until its owner
has seen it.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from appliance.system.files import remove_durably, write_durably

SHOWN = Path("var/lib/luna-firstboot/owner/admin-key")
_HANDED = "first-key.json"
_BIGGEST = 1000  # bytes


class FirstKey(Struct, frozen=True):
    """What the server keeps of it: a name, and a SHA-256 in hexadecimal."""

    name: str
    digest: str

    @property
    def digest_bytes(self) -> bytes:
        """Raises ValueError for what is no SHA-256."""
        raw = bytes.fromhex(self.digest)
        if len(raw) != 32:
            raise ValueError("a SHA-256 has 32 bytes")
        return raw


def hand_over(folder: Path, key: FirstKey) -> None:
    """Give it to the server, for its next start. Raises OSError."""
    write_durably(folder / _HANDED, msgspec.json.encode(key), 0o644)


def handed(folder: Path) -> FirstKey | None:
    """What was handed over and not yet `taken`; nothing that cannot be a key."""
    try:
        with (folder / _HANDED).open("rb") as file:
            key = msgspec.json.decode(file.read(_BIGGEST), type=FirstKey)
        return key if key.digest_bytes else None
    except (OSError, ValueError):
        return None


def taken(folder: Path) -> None:
    """It is in the database now. Raises OSError."""
    remove_durably(folder / _HANDED)


def show(root: Path = Path("/")) -> str:
    """The key until its owner has seen it; "" afterwards, and for users who may not read it."""
    try:
        return (root / SHOWN).read_text("ascii").strip()[:200]
    except (OSError, UnicodeDecodeError):
        return ""


def seen(root: Path = Path("/")) -> None:
    """Its owner has it: it is shown to nobody any more. Raises OSError."""
    remove_durably(root / SHOWN)

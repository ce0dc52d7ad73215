"""The wish to forget everything: a file that outlives a power cut, heeded before the next start."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from appliance.system.files import write_durably

FILE = "reset.json"
_BIGGEST = 1000  # bytes


class Reset(Struct, frozen=True):
    """What is to be forgotten beside settings, networks, keys and history.

    `stamp` tells the file that asked for it from a later one; "" if it was no file.
    """

    models: bool = False
    stamp: str = ""


def ask(folder: Path, reset: Reset) -> None:
    """Have it done at the next boot. Raises OSError."""
    write_durably(folder / FILE, msgspec.json.encode(reset))


def asked(folder: Path) -> Reset | None:
    """What is to be forgotten, None if nothing is.

    The folder belongs to the server, so no link is followed; a mark that cannot be read is one.
    """
    try:
        descriptor = os.open(folder / FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError:
        return Reset()
    with open(descriptor, "rb") as file:  # noqa: PTH123  (of a descriptor)
        try:
            return msgspec.json.decode(file.read(_BIGGEST), type=Reset)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return Reset()

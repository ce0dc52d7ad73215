"""Who this device is: an id and a host name that stay the same."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from appliance.errors import ConfigError

FILE = "identity.toml"
_MACHINE_IDS = ("etc/machine-id", "var/lib/dbus/machine-id", "proc/sys/kernel/hostname")
_SERIAL = "proc/device-tree/serial-number"
_APPLICATION = b"luna appliance identity 1"
_ID_DIGITS, _NAME_DIGITS = 12, 4

Label = Annotated[str, Meta(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]


Id = Annotated[str, Meta(pattern=r"^[0-9a-f]{4,32}$")]


class _File(Struct, frozen=True):
    """What the identity file says here; other keys are for others."""

    id: Id
    name: Label | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """`id` is hexadecimal; `name` is the host name, `luna-` and four digits of the id."""

    id: str
    name: str

    @property
    def short(self) -> str:
        """The digits that tell this device from another by eye."""
        return self.id[:_NAME_DIGITS]

    @property
    def setup_network(self) -> str:
        """Name of the WiFi network that it makes until it is set up."""
        return f"Luna-{self.short.upper()}"


def read_identity(folders: Iterable[Path] = (), root: Path = Path("/")) -> Identity:
    """From `identity.toml` in /etc/luna or else in one of `folders`; without one, derived.

    A derived identity stays the same as long as the machine's id does, which it does not reveal.
    Raises ConfigError for a file that cannot be used.
    """
    for folder in (root / "etc/luna", *folders):
        if (folder / FILE).is_file():
            return _identity(folder / FILE, _read(folder / FILE))
    return _named(_derived(root, _MACHINE_IDS))


def make_identity(root: Path = Path("/"), given: Path | None = None) -> Identity:
    """One for a device that has none yet, to be written to `identity.toml`.

    The file `given` may say the `id`, among other things. Without it a board with a serial number
    has the same one after it was flashed anew: its label stays right. Raises ConfigError.
    """
    if given is not None and "id" in (told := _read(given)):
        return _identity(given, told)
    return _named(_derived(root, (_SERIAL, *_MACHINE_IDS)))


def new_identity(random: Callable[[int], bytes] = secrets.token_bytes) -> Identity:
    """One by chance, for a device that does not exist yet."""
    return _named(random(_ID_DIGITS // 2).hex())


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _no_identity(file, error) from error


def _identity(file: Path, content: dict[str, Any]) -> Identity:
    try:
        told = msgspec.convert(content, _File)
    except msgspec.ValidationError as error:
        raise _no_identity(file, error) from error
    return Identity(told.id, told.name or _named(told.id).name)


def _no_identity(file: Path, error: Exception) -> ConfigError:
    return ConfigError(
        f"{file} is no identity: {error}. It needs an id of 4 to 32 hexadecimal digits, and may"
        " have a name of letters, digits and hyphens, all in lower case."
    )


def _derived(root: Path, sources: Iterable[str]) -> str:
    """Hashed with a key of our own, as machine-id(5) asks of who shows it to others."""
    for path in sources:
        try:
            known = (root / path).read_bytes().strip(b"\0 \n")
        except OSError:
            continue
        if known:
            return hmac.new(known, _APPLICATION, hashlib.sha256).hexdigest()[:_ID_DIGITS]
    return "0" * _ID_DIGITS


def _named(identity: str) -> Identity:
    return Identity(identity, f"luna-{identity[:_NAME_DIGITS]}")

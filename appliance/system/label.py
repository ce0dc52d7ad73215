"""What the label on the box says: the setup network and its passphrase."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from appliance.errors import ConfigError
from appliance.system.identity import Identity

FILE = "label.toml"

# Of WPA2 and WPA3: printable ASCII (IEEE 802.11, 12.7.1.3); empty is an open network.
Passphrase = Annotated[str, Meta(pattern=r"^([ -~]{8,63})?$")]


class _File(Struct, frozen=True):
    passphrase: Passphrase = ""


@dataclass(frozen=True, slots=True)
class Label:
    """`ssid` is the setup network's name; `passphrase` "" means that it is open."""

    ssid: str
    passphrase: str = field(default="", repr=False)


def read_label(folder: Path, identity: Identity) -> Label:
    """From `label.toml` in the settings folder; without it the network is open.

    Raises ConfigError for a file that cannot be used.
    """
    return Label(identity.setup_network, read_passphrase(folder / FILE))


def read_passphrase(file: Path) -> str:
    """The `passphrase` of a TOML file, "" without one. Raises ConfigError, which does not tell it.

    The file may say other things, too.
    """
    try:
        return msgspec.convert(tomllib.loads(file.read_text("utf-8-sig")), _File).passphrase
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(
            f'{file} has no passphrase that can be used: {error}. Write passphrase = "..." with 8 '
            "to 63 letters, digits and signs of a plain keyboard."
        ) from error

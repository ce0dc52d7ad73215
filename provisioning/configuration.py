"""Settings of the service: a file of its own, because it has to start when the API's is broken.

`provisioning.toml` has the tables `[setup]`, `[limits]` and `[improv]`; `label.toml` has what is
printed on the box.
"""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct, field

from appliance.errors import ConfigError
from appliance.system.identity import Identity
from appliance.system.label import Passphrase, read_label
from provisioning.payloads import SetupNetwork
from provisioning.situation import Limits

FILE: Final = "provisioning.toml"
_ADDRESS: Final = r"^\d{1,3}(\.\d{1,3}){3}/\d{1,2}$"

Address = Annotated[str, Meta(pattern=_ADDRESS)]


class SetupSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The setup network; `name` "" means Luna- and four digits of the identity.

    `dns_answer` is what its DNS says (`dnsmasq-shared.d/luna-setup.conf`): an address of a range
    that is nobody's, because some phones take a private one for a broken network; "" if it says
    `address` itself.
    """

    name: Annotated[str, Meta(max_length=32)] = ""
    passphrase: Passphrase = ""
    address: Address = "10.42.0.1/24"
    dns_answer: Annotated[str, Meta(pattern=r"^(\d{1,3}(\.\d{1,3}){3})?$")] = "192.0.2.1"


class ImprovSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Setting up by Bluetooth; anybody nearby may, while the setup network is wanted."""

    enabled: bool = False


class Configuration(Struct, frozen=True, forbid_unknown_fields=True):
    """All that can be set."""

    setup: SetupSettings = field(default_factory=SetupSettings)
    limits: Limits = field(default_factory=Limits)
    improv: ImprovSettings = field(default_factory=ImprovSettings)


def load(folder: Path) -> Configuration:
    """From the settings folder, /etc/luna; a missing file is an empty one. Raises ConfigError."""
    file = folder / FILE
    content = _read(file)
    known = {each.name for each in fields(Limits)}
    if unknown := set(content.get("limits", ())) - known:
        raise ConfigError(f"{file} has limits that are unknown: {', '.join(sorted(unknown))}.")
    try:
        return msgspec.convert(content, Configuration)
    except msgspec.ValidationError as error:
        raise ConfigError(f"A setting in {file} is wrong: {error}.") from error


def setup_network(configuration: Configuration, folder: Path, identity: Identity) -> SetupNetwork:
    """The network that the box makes. Raises ConfigError."""
    told = configuration.setup
    label = read_label(folder, identity)
    return SetupNetwork(
        ssid=(told.name or label.ssid).encode("utf-8")[:32],
        passphrase=told.passphrase or label.passphrase,
        address=told.address,
        dns_answer=told.dns_answer,
    )


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{file} cannot be read: {error}.") from error

"""`luna label`: what to print and stick on the box."""

from __future__ import annotations

import argparse
import secrets
from pathlib import Path
from typing import Any

from appliance.errors import ConfigError
from appliance.label.sheet import FORMS, render
from appliance.system.identity import Identity, new_identity, read_identity
from appliance.system.label import Label, read_label

_SETUP_FILE = "luna-setup.toml"
# Nothing that looks like something else.
_LETTERS = "23456789abcdefghijkmnpqrstuvwxyz"
_GROUPS, _GROUP = 3, 4


def add_parser(commands: Any) -> None:
    """Add the subcommand and its options."""
    parser = commands.add_parser(
        "label",
        help="make a label to print, with QR codes",
        description="Write luna-label.png and luna-label.pdf (100 x 62 mm) with the setup network, "
        "its password and the device's address, as text and as QR codes. With --new it is for a "
        "device that was not started yet: luna-setup.toml is written too, and belongs on its boot "
        "partition.",
        epilog="Examples:\n  sudo luna label .\n  luna label --new ./box-7",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="where to write the files")
    parser.add_argument("--new", action="store_true", help="for a new device, with a new password")
    parser.add_argument(
        "--root",
        type=Path,
        default=Path("/"),
        help="the system's folder (default: /); another one is for tests and images",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the files; returns the exit status."""
    folder: Path = args.folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        who, label = _new(folder) if args.new else _known(args.root)
        for form in FORMS:
            file = folder / f"luna-label.{form.lower()}"
            file.write_bytes(render(label, who, form))
            print(file)
    except OSError as error:
        raise ConfigError(
            f"The label cannot be written to {folder}: {error.strerror}; name another folder."
        ) from error
    if not label.passphrase:
        print("The setup network is open: anybody nearby can join it until the box is set up.")
    return 0


def _known(root: Path) -> tuple[Identity, Label]:
    who = read_identity(root=root)
    return who, read_label(root / "etc/luna", who)


def _new(folder: Path) -> tuple[Identity, Label]:
    """Raises ConfigError where there is a file for a device already: its label may be printed."""
    file = folder / _SETUP_FILE
    who = new_identity()
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
    label = Label(who.setup_network, "-".join(groups))
    text = f'id = "{who.id}"\npassphrase = "{label.passphrase}"\n'
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError as error:
        raise ConfigError(f"{file} is there already; name another folder.") from error
    print(f"{file} (copy it to the boot partition of {who.name})")
    return who, label

"""`luna firstboot`: what a device does once, before its services start."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import Any

from appliance.errors import ConfigError
from appliance.firstboot.places import Places
from appliance.firstboot.steps import FirstBoot, Tools
from appliance.system import first_key


def add_parser(commands: Any) -> None:
    """Add the subcommand and its options."""
    parser = commands.add_parser(
        "firstboot",
        help="give this device its identity; its system does that by itself",
        description="Make what a device needs once: its identity, the label's passphrase of the "
        "setup network, its host name and its TLS certificate; or carry out a factory reset that "
        "was asked for. What is there is left alone. Systemd runs this before Luna's services.",
        epilog="Example:\n  sudo luna firstboot",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--root",
        type=Path,
        default=Path("/"),
        help="the system's folder (default: /); another one is for tests and images",
    )
    parser.add_argument(
        "--seen", action="store_true", help="the owner has noted the key: show it no more"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Every step; the exit status is 1 if one has to be tried again."""
    if args.seen:
        return _forget(args.root)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    tools = Tools() if args.root == Path("/") else Tools(has_no_name=lambda: False)
    return 0 if FirstBoot(Places(args.root), tools).run() else 1


def _forget(root: Path) -> int:
    try:
        first_key.seen(root)
    except OSError as error:
        raise ConfigError(
            f"The key cannot be removed ({error.strerror}); run it as root: sudo luna firstboot "
            "--seen"
        ) from error
    return 0

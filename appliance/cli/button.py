"""`luna button`: the board's recovery key asks for a factory reset."""

from __future__ import annotations

import argparse
import logging
import os
from math import inf
from pathlib import Path
from typing import Any

from appliance.cli import settings
from appliance.errors import ConfigError
from appliance.firstboot.button import HOLD_S, wait_for_hold
from appliance.system import reset_mark
from appliance.system.reset_mark import Reset

_log = logging.getLogger(__name__)


def add_parser(commands: Any) -> None:
    """Add the subcommand and its options."""
    parser = commands.add_parser(
        "button",
        help="wait for the board's recovery key; a device does that by itself",
        description=f"Wait until a recovery key is held for {HOLD_S:.0f} seconds, then have the "
        "device forget everything but its models, as `luna reset` does.",
        epilog="Example:\n  luna button /dev/input/event0",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("device", type=Path, help="input device of the key")
    parser.add_argument(
        "--seconds", type=float, default=inf, help="for how long to wait (default: for ever)"
    )
    settings.add_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Wait; returns the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    folder = settings.read(args).data_folder(os.environ)
    try:
        if wait_for_hold(args.device, args.seconds):
            _log.warning("the key was held: a factory reset is asked for")
            reset_mark.ask(folder, Reset())
    except OSError as error:
        raise ConfigError(
            f"{error.filename or folder} cannot be used ({error.strerror}); check that the device "
            "is a key's, and run it as a user of the group input."
        ) from error
    return 0

"""`luna reset`: forget everything, as when the device was new."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from appliance.cli import settings
from appliance.errors import ConfigError, LunaError
from appliance.system import reset_mark
from appliance.system.reset_mark import Reset


class NotConfirmed(LunaError):
    """Nobody said yes."""

    code = "not_confirmed"


def add_parser(commands: Any) -> None:
    """Add the subcommand and its options."""
    parser = commands.add_parser(
        "reset",
        help="factory reset: forget settings, WiFi, keys and history",
        description="Have the device restart and forget settings, WiFi networks, keys and history. "
        "Its name and the passphrase on its label stay, and its models too unless --models is "
        "given. Run it on the device itself.",
        epilog="Examples:\n  sudo luna reset\n  sudo luna reset --models --yes",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--models", action="store_true", help="delete the models, too")
    parser.add_argument("--yes", action="store_true", help="do not ask first")
    settings.add_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the wish down, after a question; returns the exit status."""
    folder = settings.read(args).data_folder(os.environ)
    if not args.yes:
        _ask(models=args.models)
    try:
        reset_mark.ask(folder, Reset(args.models))
    except OSError as error:
        raise ConfigError(
            f"The wish cannot be written to {folder} ({error.strerror}); run it on the device, "
            "as root: sudo luna reset"
        ) from error
    print("The device restarts now and forgets everything. If it does not, restart it yourself.")
    return 0


def _ask(*, models: bool) -> None:
    what = "settings, WiFi networks, keys, history" + " and all models" * models
    question = f"This forgets {what}. Type yes to go on: "
    if not sys.stdin.isatty():
        raise NotConfirmed("A reset needs a yes; without a terminal give --yes.")
    if input(question).strip().lower() != "yes":
        raise NotConfirmed("Nothing was forgotten.")

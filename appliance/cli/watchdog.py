"""`luna watchdog`: the watchdog in the foreground."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from appliance.watchdog import options


def add_parser(commands: Any) -> None:
    """Add the subcommand and its options."""
    parser = commands.add_parser(
        "watchdog",
        help="watch over NPU, engines and server, and help them",
        description="Watch over the NPU, the engines and the server of this machine until Ctrl-C, "
        "and help them when they hang: end a run, restart an engine or the server, reset the NPU, "
        "and when nothing else has helped reboot the machine, at most once an hour.",
        epilog="Examples:\n  luna watchdog --once\n  luna watchdog --verbose\n"
        "  LUNA_WATCHDOG_REBOOT=false luna watchdog",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Become the watchdog, which needs little memory because it imports nothing else."""
    sys.stdout.flush()
    words = options.as_arguments(args)
    os.execv(sys.executable, [sys.executable, "-m", "appliance.watchdog", *words])

"""`luna mdns`: the advertiser in the foreground."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from appliance.mdns import options


def add_parser(commands: Any) -> None:
    """Add the subcommand and its options."""
    parser = commands.add_parser(
        "mdns",
        help="announce this device on the local network",
        description="Announce the server of this machine by mDNS, until Ctrl-C: apps and "
        "`luna discover` find it without an address. It follows every change of the network.",
        epilog="Examples:\n  luna mdns\n  luna mdns --name Kitchen --port 9000",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Become the advertiser, which needs little memory because it imports nothing else."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "appliance.mdns", *options.as_arguments(args)])

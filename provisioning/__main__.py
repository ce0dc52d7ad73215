"""`luna-provisioning`, also as `python -m provisioning`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from pathlib import Path

from appliance.errors import LunaError
from appliance.system.provisioning import Provisioning
from provisioning.clock import Clock
from provisioning.credentials import printable
from provisioning.import_file import take_over
from provisioning.run import plan, serve


def main(arguments: list[str] | None = None) -> int:
    """Run the service, or one of its commands; returns the exit status."""
    args = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO,
        format="%(levelname).1s %(name)s: %(message)s",  # the journal has the time
    )
    if args.verbose:  # libraries say too much
        logging.getLogger("provisioning").setLevel(logging.DEBUG)
    try:
        if args.command == "import":
            saved = take_over(args.folder, Provisioning())
            print(f"{len(saved)} networks are saved: {', '.join(printable(s.ssid) for s in saved)}")
            return 0
        asyncio.run(serve(plan(args.config_dir, args.state_dir, os.environ), Clock()))
    except LunaError as error:
        print(f"luna-provisioning: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="luna-provisioning",
        description="Keeps this device within reach: joins WiFi networks through NetworkManager, "
        "and makes a setup network where there is none.",
    )
    state = os.environ.get("STATE_DIRECTORY", "/var/lib/luna/provisioning").partition(":")[0]
    parser.add_argument(
        "--config-dir", type=Path, default=Path("/etc/luna"), help="folder with provisioning.toml"
    )
    parser.add_argument(
        "--state-dir", type=Path, default=Path(state), help="folder for what is kept"
    )
    parser.add_argument("--verbose", action="store_true", help="log more")
    commands = parser.add_subparsers(dest="command")
    importing = commands.add_parser(
        "import",
        help="take over WiFi networks from a file and scrub it",
        description="Look for luna-wifi.toml or wpa_supplicant.conf in a folder, a USB stick for "
        "example, save the networks in it, and remove the passwords from the folder.",
    )
    importing.add_argument("folder", type=Path, help="where the file is")
    return parser


if __name__ == "__main__":
    sys.exit(main())

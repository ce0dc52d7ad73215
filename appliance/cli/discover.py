"""`luna discover`: which Lunas are on the local network."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import asdict
from typing import Any

from appliance.cli.table import table
from appliance.cli.terminal import harmless
from appliance.mdns.browser import Device, discover, watch

_HEADS = ("NAME", "URL", "HOST", "VERSION", "BOARD", "NOTES")


def add_parser(commands: Any) -> None:
    """Add the subcommand and its options."""
    parser = commands.add_parser(
        "discover",
        help="find Lunas on the local network",
        description="Ask the local network by mDNS which Lunas are there.",
        epilog="Examples:\n  luna discover\n  luna discover --json\n  luna discover --watch",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--seconds", type=float, default=1.5, help="how long to listen (default: 1.5)"
    )
    parser.add_argument(
        "--json", action="store_true", help="print JSON; with --watch one line for each event"
    )
    parser.add_argument(
        "--watch", action="store_true", help="go on, and tell who comes, changes and goes"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print what is found; the exit status is 1 when nothing is."""
    if args.watch:
        asyncio.run(_watch(as_json=args.json))
    found = discover(args.seconds)
    if args.json:
        print(json.dumps([facts(device) for device in found], indent=2))
    elif found:
        print(table(_HEADS, [_row(device) for device in found]))
    else:
        print(
            "No Luna answers on this network. Is it switched on and in the same network? Guest "
            "networks often keep devices apart.",
            file=sys.stderr,
        )
    return 0 if found else 1


def facts(device: Device) -> dict[str, Any]:
    """What programs are told of a device."""
    return {**asdict(device), "url": device.url}


async def _watch(*, as_json: bool) -> None:
    async for device in watch():
        if as_json:
            print(json.dumps(facts(device)), flush=True)
        elif device.present:
            print("+", *_row(device), sep="  ", flush=True)
        else:
            print("-", harmless(device.instance), sep="  ", flush=True)


def _row(device: Device) -> tuple[str, ...]:
    notes = {"TLS": device.tls, "needs a key": device.auth, "waits for setup": device.setup}
    cells = (
        device.instance,
        device.url,
        device.host,
        device.version,
        device.board,
        ", ".join(note for note, holds in notes.items() if holds),
    )
    return tuple(harmless(cell) for cell in cells)

"""The watchdog as a process of its own: small, because nothing of the server is imported."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from appliance import config
from appliance.errors import LunaError
from appliance.observe import logbook
from appliance.settings import Settings
from appliance.system import sdnotify
from appliance.system.boot import read_boot_id
from appliance.system.rknpu import Rknpu
from appliance.system.units import Units
from appliance.watchdog import ledger, options
from appliance.watchdog.chronicle import Chronicle
from appliance.watchdog.eyes import Eyes
from appliance.watchdog.hands import Hands
from appliance.watchdog.ledger import Ledger
from appliance.watchdog.limits import Limits
from appliance.watchdog.policy import Policy
from appliance.watchdog.report import report
from appliance.watchdog.server import Server, server_url
from appliance.watchdog.watchdog import Watchdog


def main(arguments: Sequence[str] | None = None) -> int:
    """Watch until SIGTERM or SIGINT, or look once; returns the exit status."""
    parser = argparse.ArgumentParser(prog="luna watchdog")
    options.add_options(parser)
    args = parser.parse_args(arguments)
    try:
        settings = config.load(
            args.config or config.default_files(os.environ), os.environ, _overrides(args)
        )
        if args.once:
            _show(settings, args.root)
        else:
            logbook.set_up(verbose=args.verbose, access=False)
            asyncio.run(_watch(settings, args.root))
    except LunaError as error:
        print(f"luna: {error}", file=sys.stderr)
        return 1
    return 0


def _show(settings: Settings, root: Path) -> None:
    server = Server(server_url(settings))
    eyes = Eyes(server, Rknpu(root), root)
    try:
        readings = eyes.look()
    finally:
        eyes.close()
    known = ledger.read(settings.watchdog_folder(os.environ))
    print("\n".join(report(readings, server.url, known, root)))


async def _watch(settings: Settings, root: Path) -> None:
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    server, npu = Server(server_url(settings)), Rknpu(root)
    limits = _limits(settings)
    folder = settings.watchdog_folder(os.environ)
    known = (ledger.read(folder) or Ledger()).in_boot(read_boot_id(root), limits.reboot_apart)
    eyes = Eyes(server, npu, root)
    watchdog = Watchdog(
        eyes,
        Policy(limits, known.reboot_from, known.share),
        Hands(server, npu, Units(), settings.watchdog.unit),
        Chronicle(known),
        folder,
        tick=lambda: sdnotify.notify("WATCHDOG=1", os.environ),
    )
    try:
        sdnotify.notify("READY=1", os.environ)
        await watchdog.run(stop, settings.watchdog.interval_seconds)
        sdnotify.notify("STOPPING=1", os.environ)
    finally:
        eyes.close()


def _limits(settings: Settings) -> Limits:
    """What the settings say; the rest is as it is."""
    said = settings.watchdog
    return Limits(
        stall=said.stall_seconds,
        silent=said.silent_seconds,
        hot_celsius=said.hot_celsius,
        canary=said.canary_seconds,
        reboot=said.reboot,
    )


def _overrides(args: argparse.Namespace) -> dict[str, Any]:
    found = {"watchdog.url": args.url, "data": args.data_dir}
    return {key: value for key, value in found.items() if value is not None}


if __name__ == "__main__":
    sys.exit(main())

"""`luna serve`: the server in the foreground."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

from appliance import config
from appliance.assembly import Appliance
from appliance.cli.reload import run_and_reload
from appliance.observe import logbook
from appliance.system import sdnotify
from appliance.system.ending import Ending

_log = logging.getLogger(__name__)


def add_parser(commands: Any) -> None:
    """Add the subcommand and its options."""
    parser = commands.add_parser(
        "serve",
        help="run the API server in the foreground",
        description="Run the API server until Ctrl-C. Without any option it serves the models in "
        "your data folder, or the small bundled guide, on port 8080 of every address.",
        epilog="Examples:\n  luna serve\n  luna serve --port 9000 --models-dir ~/models\n"
        "  LUNA_CPU_ENGINE_SLOTS=8 luna serve",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", help="address or name to listen on (default: all)")
    parser.add_argument("--port", type=int, help="port to listen on (default: 8080; 0: any)")
    parser.add_argument("--models-dir", type=Path, help="folder with the models")
    parser.add_argument("--data-dir", type=Path, help="folder for everything that is kept")
    parser.add_argument(
        "--config",
        type=Path,
        action="append",
        help="settings file; may be given more than once (default: /etc/luna/luna.toml, then "
        "~/.config/luna/luna.toml)",
    )
    parser.add_argument(
        "--reload", action="store_true", help="restart when Luna's own code changes"
    )
    parser.add_argument("--verbose", action="store_true", help="log more")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit status."""
    if args.reload:
        return run_and_reload()
    settings = config.load(
        args.config or config.default_files(os.environ), os.environ, _overrides(args)
    )
    logbook.set_up(verbose=args.verbose, access=settings.server.access_log)
    stopping = Ending.on(signal.SIGTERM, signal.SIGINT)
    appliance = Appliance(settings, shutdown=stopping.set)
    appliance.start()
    for url in appliance.urls:
        print(f"Luna is ready: {url}  (API: {url}/v1, documents: {url}/docs)", flush=True)
    sdnotify.notify("READY=1", os.environ)
    _live(appliance, stopping)
    sdnotify.notify("STOPPING=1", os.environ)
    print("Luna stops; answers that run may end first.", file=sys.stderr, flush=True)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a second Ctrl-C ends it at once
    appliance.stop()
    return 0


def _live(appliance: Appliance, stopping: Ending) -> None:
    """Wait for the end, and tell the service manager now and then that the server lives."""
    interval = sdnotify.watchdog_interval(os.environ)
    while not stopping.wait(interval):
        if appliance.server.is_alive():
            sdnotify.notify("WATCHDOG=1", os.environ)


def _overrides(args: argparse.Namespace) -> dict[str, Any]:
    options = {
        "server.host": args.host,
        "server.port": args.port,
        "models.folder": str(args.models_dir) if args.models_dir else None,
        "data": str(args.data_dir) if args.data_dir else None,
    }
    return {name: value for name, value in options.items() if value is not None}

"""`luna performance`: the performance profile in the foreground."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import tempfile
from pathlib import Path
from typing import Any

from appliance.performance.keeper import Keeper
from appliance.system.ending import Ending

_EVERY = 5.0  # seconds


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "performance",
        help="run everything at its highest clock while it stays cool",
        description="Pin the clocks of NPU, memory and processors to the highest, until Ctrl-C; "
        "when it gets warm they are given back until it is cool again. On a device it is a "
        "service that is off until you want it: sudo systemctl enable --now luna-performance",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Keep them pinned; returns the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    stop = Ending.on(signal.SIGTERM, signal.SIGINT)
    folder = os.environ.get("RUNTIME_DIRECTORY")
    with tempfile.TemporaryDirectory() as own:
        Keeper(Path(folder or own)).run(stop, _EVERY)
    return 0

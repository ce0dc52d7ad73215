"""The command itself: once for people, or again and again on a screen of its own."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from collections.abc import Callable
from typing import Any, TextIO

from appliance.cli.status.facts import Facts
from appliance.cli.status.lamp import Lamp
from appliance.cli.status.look import device, look
from appliance.cli.status.screen import render
from appliance.cli.terminal import can_dim
from appliance.system.ending import Ending

_EVERY = 2.0  # seconds
# ECMA-48, and xterm's for the cursor: home, erase to the end of the line, of the screen.
_HOME, _REST_OF_LINE, _REST_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"
_HIDE_CURSOR, _SHOW_CURSOR, _CLEAR = "\x1b[?25l", "\x1b[?25h", "\x1b[2J"
_SERVER = "unix:/run/luna-api.sock"
_ELSEWHERE = "http://localhost:8080"


def add_parser(commands: Any) -> None:
    """Add the subcommand and its options."""
    parser = commands.add_parser(
        "status",
        help="show name, addresses, state, and a QR code to begin with",
        description="Show what a person in front of the device wants to know: its name and "
        "addresses, whether it is set up, at work or in trouble, a QR code of the setup network "
        "or the address, and how far an import from a USB stick is.",
        epilog="Examples:\n  luna status\n  luna status --watch",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--watch", action="store_true", help="fill the screen, and keep it right")
    parser.add_argument("--url", help="the server (default: this machine's)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Show it; returns the exit status."""
    there = os.access(_SERVER.removeprefix("unix:"), os.W_OK)
    sources = device(args.url or (_SERVER if there else _ELSEWHERE))
    if not args.watch:
        size = shutil.get_terminal_size()
        colours = can_dim(sys.stdout, os.environ)
        print("\n".join(render(look(sources), size.columns, 200, colours=colours)))
        return 0
    stop = Ending.on(signal.SIGTERM, signal.SIGINT)
    watch(lambda: look(sources), sys.stdout, stop, Lamp())
    return 0


def watch(looking: Callable[[], Facts], out: TextIO, stop: Ending, lamp: Lamp) -> None:
    """Keep a terminal and a lamp right until `stop`; written to only when something changed."""
    shown: tuple[Facts, os.terminal_size] | None = None
    out.write(_HIDE_CURSOR + _CLEAR)
    try:
        while True:
            now = looking(), shutil.get_terminal_size()
            lamp.show(now[0].state)
            if now != shown:
                facts, size = now
                # The last column is left free: some terminals wrap when it is written to.
                lines = render(facts, size.columns - 1, size.lines - 1, colours=True)
                text = "".join(f"{line}{_REST_OF_LINE}\r\n" for line in lines)
                out.write(_HOME + text + _REST_OF_SCREEN)
                out.flush()
                shown = now
            if lamp.rest(stop, _EVERY):
                return
    finally:
        out.write(f"\r\n{_SHOW_CURSOR}")
        out.flush()

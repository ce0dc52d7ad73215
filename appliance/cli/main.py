"""The `luna` command: one module for each subcommand."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from appliance import __version__
from appliance.cli import chat, discover, mdns, models, serve, watchdog
from appliance.cli.bench import command as bench
from appliance.cli.doctor import command as doctor
from appliance.errors import LunaError

_COMMANDS = (serve, chat, models, mdns, discover, watchdog, bench, doctor)


def build_parser() -> argparse.ArgumentParser:
    """The parser with every subcommand."""
    parser = argparse.ArgumentParser(
        prog="luna",
        description="A private language-model appliance: the server, and tools around it.",
    )
    parser.add_argument("--version", action="version", version=f"luna {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_parser(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; our own errors become one line on stderr and exit status 1."""
    args = build_parser().parse_args(arguments)
    try:
        status = int(args.run(args))
        sys.stdout.flush()
        return status
    except LunaError as error:
        print(f"luna: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output has enough; the interpreter's own last flush must not fail too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


if __name__ == "__main__":
    sys.exit(main())

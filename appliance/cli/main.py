"""The `luna` command: one module for each subcommand."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module

from appliance import __version__
from appliance.errors import LunaError

# By name, in the order of the help. Only what is asked for is imported: a server needs none of the
# others' libraries in its memory.
_COMMANDS = {
    "serve": "serve",
    "chat": "chat",
    "models": "models.command",
    "import": "import_",
    "keys": "keys",
    "mdns": "mdns",
    "discover": "discover",
    "watchdog": "watchdog",
    "performance": "performance",
    "firstboot": "firstboot",
    "reset": "reset",
    "button": "button",
    "label": "label",
    "bench": "bench.command",
    "update": "update",
    "doctor": "doctor.command",
    "status": "status.command",
}


def build_parser(names: Iterable[str] = tuple(_COMMANDS)) -> argparse.ArgumentParser:
    """The parser with these subcommands."""
    parser = argparse.ArgumentParser(
        prog="luna",
        description="A private language-model appliance: the server, and tools around it.",
    )
    parser.add_argument("--version", action="version", version=f"luna {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in names:
        import_module(f"appliance.cli.{_COMMANDS[name]}").add_parser(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; our own errors become one line on stderr and exit status 1."""
    words = sys.argv[1:] if arguments is None else arguments
    asked = words[0] if words else ""
    args = build_parser([asked] if asked in _COMMANDS else _COMMANDS).parse_args(words)
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

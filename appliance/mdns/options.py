"""The options of the advertiser, whichever way it is started."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add `--name`, `--port`, `--data-dir`, `--config` and `--verbose`."""
    parser.add_argument("--name", help="name that people see (default: Luna and four digits)")
    parser.add_argument("--port", type=int, help="port of the server (default: 8080)")
    parser.add_argument("--data-dir", type=Path, help="folder for everything that is kept")
    parser.add_argument(
        "--config", type=Path, action="append", help="settings file; may be given more than once"
    )
    parser.add_argument("--verbose", action="store_true", help="log more")


def as_arguments(args: argparse.Namespace) -> list[str]:
    """The options that were given, to start another process with."""
    single = {"--name": args.name, "--port": args.port, "--data-dir": args.data_dir}
    files = [("--config", file) for file in args.config or ()]
    given = [(option, value) for option, value in single.items() if value is not None]
    words = [f"{option}={value}" for option, value in [*given, *files]]
    return [*words, "--verbose"] if args.verbose else words

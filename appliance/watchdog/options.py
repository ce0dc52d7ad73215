"""The options of the watchdog, whichever way it is started."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add `--once`, `--url`, `--data-dir`, `--root`, `--config` and `--verbose`."""
    parser.add_argument("--once", action="store_true", help="print what it sees, do nothing, end")
    parser.add_argument("--url", help="the server (default: this machine's)")
    parser.add_argument("--data-dir", type=Path, help="folder for everything that is kept")
    parser.add_argument(
        "--root",
        type=Path,
        default=Path("/"),
        help="folder with the kernel's sys, proc and dev (default: /); another one is for tests",
    )
    parser.add_argument(
        "--config", type=Path, action="append", help="settings file; may be given more than once"
    )
    parser.add_argument("--verbose", action="store_true", help="log more")


def as_arguments(args: argparse.Namespace) -> list[str]:
    """The options that were given, to start another process with."""
    single = {"--url": args.url, "--data-dir": args.data_dir, "--root": args.root}
    files = [("--config", file) for file in args.config or ()]
    given = [(option, value) for option, value in single.items() if value is not None]
    words = [f"{option}={value}" for option, value in [*given, *files]]
    words += ["--once"] if args.once else []
    return [*words, "--verbose"] if args.verbose else words

"""The options that every command has which talks to a running server."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path

from appliance.cli.client import DEFAULT_URL, Client
from appliance.errors import ConfigError


def add_options(parser: argparse.ArgumentParser, url_help: str) -> None:
    """Add `--url` and `--api-key-file`; a key itself would show in the list of processes."""
    parser.add_argument("--url", help=url_help)
    parser.add_argument(
        "--api-key-file",
        type=Path,
        help="file that holds the API key (or set LUNA_API_KEY)",
    )


def server_url(args: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> str:
    """`--url`, else `LUNA_URL`, else the usual port of this machine."""
    return str(args.url or environ.get("LUNA_URL") or DEFAULT_URL)


def client(
    args: argparse.Namespace, environ: Mapping[str, str] = os.environ, timeout: float = 600.0
) -> Client:
    """The client that the options describe; raises ConfigError for an unreadable key file."""
    return Client(server_url(args, environ), _api_key(args.api_key_file, environ), timeout)


def _api_key(file: Path | None, environ: Mapping[str, str]) -> str:
    try:
        key = environ.get("LUNA_API_KEY", "") if file is None else file.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The API key file {file} cannot be read: {error}.") from error
    key = key.strip()
    if (file and not key) or not (key.isascii() and key.isprintable()):
        raise ConfigError(f"{file or 'LUNA_API_KEY'} must hold one line with the API key.")
    return key

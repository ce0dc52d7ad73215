"""`luna models`: what is in the models folder; needs no server."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from appliance import guide
from appliance.cli import settings
from appliance.cli.table import number, size, table
from appliance.cli.terminal import harmless
from appliance.config import Settings
from appliance.errors import BadRequest, ConfigError
from appliance.models.folder import Entry, parts
from appliance.models.registry import Registry


def add_parser(commands: Any) -> None:
    """Add the subcommand, its own subcommands and their options."""
    parser = commands.add_parser(
        "models",
        help="list, explain and remove models",
        description="What is in the models folder, whether or not a server runs. A running server "
        "notices changes by itself. To add a model, copy a GGUF file into the folder.",
        epilog="Examples:\n  luna models\n  luna models list --json\n"
        "  luna models info luna-guide\n  luna models rm old-model --yes",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_common(parser)
    parser.set_defaults(run=run_list)
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    listing = actions.add_parser("list", help="every model, the default one first (as without)")
    info = actions.add_parser("info", help="everything that is known about one model")
    info.add_argument("name", metavar="NAME", help="id or alias of the model")
    remove = actions.add_parser("rm", help="delete a model's files")
    remove.add_argument("name", metavar="NAME", help="id of the model")
    remove.add_argument("--yes", action="store_true", help="do not ask first")
    for action, run in ((listing, run_list), (info, run_info), (remove, run_remove)):
        _add_common(action, argparse.SUPPRESS)
        action.set_defaults(run=run)


def run_list(args: argparse.Namespace) -> int:
    """Print every model; returns the exit status."""
    chosen = settings.read(args)
    entries = _registry(chosen).entries()
    if args.json:
        _print_json([_facts(entry) for entry in entries])
        return 0
    heads = ("MODEL", "SIZE", "PARAMETERS", "CONTEXT", "STATE")
    print(table(heads, [_row(entry, first=entry is entries[0]) for entry in entries]))
    print(f"\nModels folder: {chosen.models_folder(settings.environment())}")
    return 0


def run_info(args: argparse.Namespace) -> int:
    """Print what is known about one model; returns the exit status."""
    registry = _registry(settings.read(args))
    entry = registry.find(args.name)
    facts = _facts(entry)
    facts["aliases"] = [name for name, id in registry.aliases().items() if id == entry.id]
    if args.json:
        _print_json(facts)
        return 0
    shown = facts | {"size": size(entry.size_bytes), "parameters": number(entry.parameters)}
    for name, value in shown.items():
        text = ", ".join(value) if isinstance(value, list) else str(value)
        print(f"{name + ':':<16}{harmless(text)}".rstrip())
    return 0


def run_remove(args: argparse.Namespace) -> int:
    """Delete a model of the folder, after a question; returns the exit status."""
    chosen = settings.read(args)
    folder = chosen.models_folder(settings.environment())
    entry = _by_id(_registry(chosen).entries(), args.name)
    if entry.bundled:
        raise BadRequest(f"'{entry.id}' is part of Luna and stays; it takes {_size(entry)}.")
    files = _files(entry, folder)
    if not args.yes and not _agreed(entry, files):
        print("Nothing was removed.")
        return 1
    try:
        for file in files:
            shutil.rmtree(file) if file.is_dir() else file.unlink()
    except OSError as error:
        raise ConfigError(
            f"{error.filename} cannot be removed: {error.strerror}. Try again as the user that the "
            "folder belongs to."
        ) from error
    print(f"Removed {entry.id} ({_size(entry)}).")
    return 0


def _add_common(parser: argparse.ArgumentParser, default: Any = None) -> None:
    """Options before and after the action; SUPPRESS keeps what was said before it."""

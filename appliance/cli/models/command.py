"""`luna models`: what is in the models folder; only `pull` asks a server, if there is one."""

from __future__ import annotations

import argparse
import glob
import json
import os
import re
import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from appliance import guide
from appliance.cli import connect, settings
from appliance.cli.models.pull import run_pull
from appliance.cli.table import number, size, table
from appliance.cli.terminal import harmless
from appliance.errors import BadRequest, ConfigError, ModelNotFound
from appliance.models.folder import Entry
from appliance.models.registry import Registry
from appliance.settings import Settings


def add_parser(commands: Any) -> None:
    """Add the subcommand, its own subcommands and their options."""
    parser = commands.add_parser(
        "models",
        help="list, fetch, explain and remove models",
        description="What is in the models folder, whether or not a server runs. A running server "
        "notices changes by itself. To add a model, pull it, or copy a GGUF file into the folder.",
        epilog="Examples:\n  luna models\n  luna models list --json\n"
        "  luna models pull bartowski/Llama-3.2-1B-Instruct-GGUF\n"
        "  luna models info luna-guide\n  luna models rm old-model --yes",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    settings.add_options(parser)
    _add_json(parser)
    parser.set_defaults(run=run_list)
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    _add_json(_action(actions, "list", "every model, the default one first", run_list))
    info = _action(actions, "info", "everything that is known about one model", run_info)
    info.add_argument("name", metavar="NAME", help="id or alias of the model")
    _add_json(info)
    pull = _action(actions, "pull", "fetch a model from a hub", run_pull)
    pull.add_argument(
        "name",
        metavar="OWNER/REPOSITORY[:WHICH]",
        help="WHICH is a file or a quantisation such as Q4_K_M (default: the best that fits)",
    )
    connect.add_options(pull, "server that fetches it (default: the one on this machine, if any)")
    pull.set_defaults(url=None, api_key_file=None)
    remove = _action(actions, "rm", "delete a model's files", run_remove)
    remove.add_argument("name", metavar="NAME", help="id of the model")
    remove.add_argument("--yes", action="store_true", default=False, help="do not ask first")


def run_list(args: argparse.Namespace) -> int:
    """Print every model; returns the exit status."""
    chosen = settings.read(args)
    entries = _registry(chosen).entries()
    if args.json:
        _print_json([_facts(entry) for entry in entries])
        return 0
    heads = ("MODEL", "SIZE", "PARAMETERS", "CONTEXT", "STATE")
    print(table(heads, [_row(entry, first=entry is entries[0]) for entry in entries]))
    print(f"\nModels folder: {chosen.models_folder(os.environ)}")
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
    shown = facts | {"size": _size(entry), "parameters": number(entry.parameters)}
    for name, value in shown.items():
        text = ", ".join(value) if isinstance(value, list) else str(value)
        print(f"{name + ':':<16}{harmless(text)}".rstrip())
    return 0


def run_remove(args: argparse.Namespace) -> int:
    """Delete a model of the folder, after a question; returns the exit status."""
    chosen = settings.read(args)
    folder = chosen.models_folder(os.environ)
    entry = _by_id(_registry(chosen).entries(), args.name)
    if entry.bundled:
        raise BadRequest(f"'{entry.id}' is part of Luna and stays; it takes {_size(entry)}.")
    files = _files(entry, folder)
    if not args.yes and not _agreed(entry, files):
        print("Nothing was removed.")
        return 1
    try:
        for file in files:
            if file.is_dir() and not file.is_symlink():
                shutil.rmtree(file)
            else:
                file.unlink()
    except OSError as error:
        raise ConfigError(
            f"{error.filename} cannot be removed: {error.strerror}. Try again as the user that the "
            "folder belongs to."
        ) from error
    print(f"Removed {entry.id} ({_size(entry)}).")
    return 0


def _action(
    actions: Any, name: str, purpose: str, run: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    """An action, whose options may also stand before its name."""
    parser: argparse.ArgumentParser = actions.add_parser(
        name, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}."
    )
    # Without a default an option that is not given here keeps what was given before the name.
    parser.argument_default = argparse.SUPPRESS
    settings.add_options(parser)
    parser.set_defaults(run=run)
    return parser


def _add_json(parser: argparse.ArgumentParser) -> None:
    default = parser.argument_default or False
    parser.add_argument("--json", action="store_true", default=default, help="print it as JSON")


def _registry(chosen: Settings) -> Registry:
    return Registry(chosen.models_folder(os.environ), chosen.models, guide.model_path())


def _by_id(entries: Sequence[Entry], name: str) -> Entry:
    """The model of that very id: what an alias means changes, too much so to delete by it."""
    for entry in entries:
        if entry.id == name:
            return entry
    known = ", ".join(entry.id for entry in entries if not entry.bundled) or "none"
    raise ModelNotFound(f"There is no model with the id '{name}'. There are: {known}.")


def _files(entry: Entry, folder: Path) -> list[Path]:
    """What belongs to the model: its own folder, or its file with all parts of a split one."""
    own = entry.path.parent
    if own != folder and "/" not in entry.id:
        return [own]
    if not own.resolve().is_relative_to(folder.resolve()):
        raise BadRequest(f"{own} leads out of the models folder; remove {entry.path} yourself.")
    if split := re.fullmatch(r"(.+)-\d{5}-of-(\d{5})", entry.path.stem):
        return sorted(own.glob(f"{glob.escape(split[1])}-?????-of-{split[2]}.gguf"))
    return [entry.path]


def _agreed(entry: Entry, files: Sequence[Path]) -> bool:
    for file in files:
        print(harmless(str(file)))
    try:
        answer = input(f"Delete {harmless(entry.id)} ({_size(entry)}) for good? [y/N] ")
    except EOFError:
        return False
    return answer.strip().lower() in ("y", "yes")


def _state(entry: Entry, *, first: bool) -> str:
    if entry.problem:
        return entry.problem
    notes = ["default"] * first + ["bundled"] * entry.bundled
    return f"ready ({', '.join(notes)})" if notes else "ready"


def _row(entry: Entry, *, first: bool) -> tuple[str, ...]:
    context = str(entry.context_length or "?")
    state = _state(entry, first=first)
    return entry.id, _size(entry), number(entry.parameters), context, state


def _facts(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "path": str(entry.path),
        "size": entry.size_bytes,
        "changed": datetime.fromtimestamp(entry.changed, UTC).isoformat(timespec="seconds"),
        "architecture": entry.architecture,
        "parameters": entry.parameters,
        "context": entry.context_length,
        "bundled": entry.bundled,
        "usable": entry.usable,
        "problem": entry.problem,
        "source": f"{source.repo}:{source.file}" if (source := entry.manifest.source) else "",
    }


def _size(entry: Entry) -> str:
    return size(entry.size_bytes)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2))

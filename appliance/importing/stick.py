"""What a stick has for us: models in its root or in a folder `models`, laid out as our own.

Updates of the firmware image are in its root or in a folder `luna`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import LunaError
from appliance.models.folder import Entry, parts, scan

_UPDATE = ".raucb"
_UNFIT = re.compile(r"[^\w .()\[\]+-]|^[. ]+|[. ]+$")


class NotTaken(LunaError):
    """A model or an update stays on the stick; the message says why."""

    code = "not_taken"


@dataclass(frozen=True, slots=True)
class Item:
    """A model: `name` is its folder's with us, `files` are of one folder of the stick.

    `problem` says why it is not taken, "" that it is.
    """

    name: str
    files: tuple[Path, ...]
    size_bytes: int
    problem: str = ""


def find(stick: Path) -> tuple[Item, ...]:
    """Every model of a stick, good or bad. Links are not followed."""
    stick = stick.resolve()
    roots = (stick / "models", stick)
    found: dict[str, Item] = {}
    seen: set[Path] = set()
    # In the root the folder `models` looks like a model; what is in it was seen one by one.
    for entry in (each for root in roots for each in scan(root)):
        if entry.path not in seen and entry.path == entry.path.resolve():
            seen.add(entry.path)
            item = _item(entry, bare=entry.path.parent in roots)
            found.setdefault(item.name, item)
    return tuple(found.values())


def updates(stick: Path) -> tuple[Path, ...]:
    """Every file that is named like an update. Links are not followed."""
    folders = [folder for folder in (stick, stick / "luna") if not folder.is_symlink()]
    return tuple(
        file
        for folder in folders
        if folder.is_dir()
        for file in _beside(folder)
        if file.suffix.lower() == _UPDATE and file.name.isprintable()
    )


def _item(entry: Entry, *, bare: bool) -> Item:
    """A folder goes as a whole: a template or a tokenizer may be beside the model."""
    files = parts(entry.path) if bare else tuple(_beside(entry.path.parent))
    name = _UNFIT.sub("_", entry.id if bare else entry.path.parent.name)
    return Item(name, files, sum(_size(file) for file in files), entry.problem)


def _beside(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.iterdir()):
        if not file.name.startswith(".") and file.is_file() and not file.is_symlink():
            yield file


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0  # a part that is missing is told as the model's problem

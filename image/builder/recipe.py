"""What goes into every image beside the board's own: image/packages.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

FILE = Path(__file__).parents[1] / "packages.toml"


@dataclass(frozen=True, slots=True)
class Recipe:
    """The packages of the base system, and where they come from."""

    suite: str
    epoch: int
    sources: tuple[str, ...]
    packages: tuple[str, ...]
    leave_out: tuple[str, ...]
    keep: tuple[str, ...]


def load(file: Path = FILE) -> Recipe:
    """The recipe of that file; KeyError, TypeError or ValueError where it is none."""
    content = tomllib.loads(file.read_text("utf-8"))
    return Recipe(
        suite=content["suite"],
        epoch=int(datetime.fromisoformat(content["epoch"]).timestamp()),
        sources=tuple(content["sources"]),
        packages=tuple(sorted(content["packages"])),
        leave_out=tuple(content["leave_out"]),
        keep=tuple(content["keep"]),
    )

"""The pictures of image/README.md that need no browser, by the names of their files."""

from __future__ import annotations

from pathlib import Path

from tests.pictures import card, console, screens

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "image/pictures"
_MEASURED = ROOT / "dist/image"
_CHARTS = ("boot.svg", "memory.svg")
_BUILD = Path(__file__).with_name("build.txt")


def drawn() -> dict[str, bytes]:
    """What follows from the project's own files alone."""
    return {
        "build.svg": _build().encode(),
        "card.svg": card.draw(card.places()).encode(),
        "screen-new.svg": screens.first_start().encode(),
        "screen-home.svg": screens.at_home().encode(),
        "label.png": screens.label(),
    }


def charts(folder: Path = _MEASURED) -> dict[str, bytes]:
    """What the boot test has measured; nothing where it did not run."""
    there = [folder / name for name in _CHARTS if (folder / name).exists()]
    return {file.name: file.read_bytes() for file in there}


def _build() -> str:
    lines = _BUILD.read_text("utf-8").splitlines()
    return console.draw("A build, as it was printed", lines, 80)

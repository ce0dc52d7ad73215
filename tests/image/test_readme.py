"""image/README.md can be followed: what it has people install and write down is right."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from image.builder import board
from image.builder.programs import PACKAGES

TEXT = (Path(__file__).parents[2] / "image/README.md").read_text("utf-8")
# Of priority "required", and what g++-aarch64-linux-gnu depends on.
ALWAYS_THERE = {"dpkg", "tar", "util-linux"}
BROUGHT_ALONG = {"binutils-aarch64-linux-gnu", "gcc-aarch64-linux-gnu"}


def blocks(language: str) -> list[str]:
    """The fenced blocks in that language."""
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.S)


def test_an_empty_machine_gets_every_package_that_a_build_asks_for() -> None:
    line = next(each for each in blocks("sh") if each.startswith("sudo apt install"))
    missing = set(PACKAGES.values()) - ALWAYS_THERE - BROUGHT_ALONG - set(line.split())
    assert missing == set(), "name these in step 1 of image/README.md"


def test_the_board_that_is_shown_is_one() -> None:
    (example,) = blocks("toml")
    shown = board.parse("rock-5a", tomllib.loads(example))
    assert shown.status == board.UNVERIFIED
    assert [loader.sector for loader in shown.loaders] == [64]


def test_every_name_in_a_board_file_is_explained() -> None:
    section = TEXT.partition("### Adding a board")[2].partition("\n## ")[0]
    explained = set(re.findall(r"`\[*(\w+)\]*`", section))
    names = set(board.Board.__dataclass_fields__) | set(board.Source.__dataclass_fields__)
    names |= set(board.Loader.__dataclass_fields__)
    assert names - {"name"} - explained == set()


def test_every_board_is_listed() -> None:
    section = TEXT.partition("## Boards")[2].partition("\n### ")[0]
    assert [name for name in board.names() if f"`{name}`" not in section] == []

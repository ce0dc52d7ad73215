"""Board files: every one of the tree is right, and a wrong one is refused with a reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from image.builder import board
from image.builder.programs import BuildError

GOOD: dict[str, Any] = {
    "title": "A board",
    "status": "unverified on hardware",
    "consoles": ["ttyS2"],
    "packages": ["linux-image-arm64"],
}
BOOTED = {"virt-arm64"}


def test_the_promised_boards_are_there() -> None:
    promised = {"virt-arm64", "orangepi-5", "orangepi-5-plus", "rock-5b", "generic-rk3588"}
    assert promised <= set(board.names())


@pytest.mark.parametrize("name", board.names())
def test_a_board_that_nobody_booted_says_so(name: str) -> None:
    loaded = board.load(name)
    assert (loaded.status == board.UNVERIFIED) == (name not in BOOTED)
    assert loaded.compatible == f"luna-{name}"


def test_an_unknown_board_is_refused_with_the_choice() -> None:
    with pytest.raises(BuildError, match=r"no board 'rock-9'.*virt-arm64"):
        board.load("rock-9")


@pytest.mark.parametrize(
    "text",
    [
        "title = ",
        'title = "x"',
        'title = "x"\nstatus = "s"\nconsoles = ["c"]\npackages = []',
        'title = "x"\nstatus = "s"\nconsoles = ["c"]\npackages = ["p"]\ncolour = "red"',
    ],
)
def test_a_wrong_file_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "b.toml").write_text(text, "utf-8")
    with pytest.raises(BuildError, match=r"b\.toml is not a board"):
        board.load("b", tmp_path)


@pytest.mark.parametrize("sector", [0, 33, 32768])
def test_a_loader_lies_between_table_and_partitions(sector: int) -> None:
    loader = {"file": "u-boot.itb", "sector": sector, "origin": "somewhere"}
    with pytest.raises(ValueError, match=f"sector {sector}"):
        board.parse("b", {**GOOD, "loaders": [loader]})


def test_debians_own_sources_need_no_file() -> None:
    source = {"uri": "http://d", "suite": "trixie", "components": "main", "key": ""}
    loaded = board.parse("b", {**GOOD, "sources": [source]})
    assert loaded.vendor_files == ()
    assert loaded.sources[0].line("/k") == "deb [arch=arm64 signed-by=/k] http://d trixie main"

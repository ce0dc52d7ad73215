"""A board: what its file in image/boards says, checked when it is read."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from image.builder.programs import BuildError

BOARDS = Path(__file__).parents[1] / "boards"
UNVERIFIED = "unverified on hardware"


@dataclass(frozen=True, slots=True)
class Source:
    """Another apt source; `key` is a vendor file that signs it, empty for Debian's own keys."""

    uri: str
    suite: str
    components: str
    key: str

    def line(self, key: str) -> str:
        """As sources.list has it; `key` is a path on the board."""
        return f"deb [arch=arm64 signed-by={key}] {self.uri} {self.suite} {self.components}"


@dataclass(frozen=True, slots=True)
class Loader:
    """A part of the bootloader, written raw at `sector` (of 512 bytes)."""

    file: str
    sector: int
    origin: str


@dataclass(frozen=True, slots=True)
class Board:
    """A kind of machine that an image is made for.

    `device_tree` is a path below the kernel's folder of device trees, empty where the firmware
    hands one over. `vendor_debs` are packages from the vendor folder. `modules` are what the
    initial ramdisk needs beside its own choice; with `only_modules` they are all that is in it. The
    last of `consoles` is where systemd speaks.
    """

    name: str
    title: str
    status: str
    consoles: tuple[str, ...]
    device_tree: str
    arguments: str
    packages: tuple[str, ...]
    modules: tuple[str, ...]
    only_modules: bool
    sources: tuple[Source, ...]
    vendor_debs: tuple[str, ...]
    loaders: tuple[Loader, ...]
    npu_runtime: str
    notice: str

    @property
    def compatible(self) -> str:
        """What an update has to be made for."""
        return f"luna-{self.name}"

    @property
    def vendor_files(self) -> tuple[tuple[str, str], ...]:
        """Every file that has to be fetched by hand, and where it comes from."""
        found = [(loader.file, loader.origin) for loader in self.loaders]
        found += [(source.key, f"signs {source.uri}") for source in self.sources if source.key]
        found += [(deb, "a package of the board's vendor") for deb in self.vendor_debs]
        if self.npu_runtime:
            found.append((self.npu_runtime, "librkllmrt.so of Rockchip's rknn-llm, for aarch64"))
        return tuple(found)


def names(folder: Path = BOARDS) -> list[str]:
    """Every board there is a file of."""
    return sorted(file.stem for file in folder.glob("*.toml"))


def load(name: str, folder: Path = BOARDS) -> Board:
    """The board of that name; BuildError where there is none or its file is wrong."""
    if name not in names(folder):
        raise BuildError(f"There is no board {name!r}. Choose one of: {', '.join(names(folder))}.")
    file = folder / f"{name}.toml"
    try:
        return parse(name, tomllib.loads(file.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, TypeError, ValueError) as error:
        raise BuildError(f"{file} is not a board: {error}") from error


def parse(name: str, content: dict[str, Any]) -> Board:
    """The board that a decoded file describes; TypeError or ValueError where it is none."""
    fields = {key.replace("-", "_"): _frozen(value) for key, value in content.items()}
    fields["sources"] = tuple(Source(**each) for each in content.get("sources", []))
    fields["loaders"] = tuple(Loader(**each) for each in content.get("loaders", []))
    defaults: dict[str, Any] = {
        "arguments": "",
        "device_tree": "",
        "modules": (),
        "notice": "",
        "npu_runtime": "",
        "only_modules": False,
        "vendor_debs": (),
    }
    board = Board(name=name, **{**defaults, **fields})
    _check(board)
    return board


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _check(board: Board) -> None:
    first_partition = 32768
    for loader in board.loaders:
        if not 34 <= loader.sector < first_partition:
            raise ValueError(
                f"sector {loader.sector} of {loader.file} is not before the partitions"
            )
    if not (board.title and board.status and board.consoles and board.packages):
        raise ValueError("title, status, consoles and packages have to be there")
    if any(letter in board.name for letter in "/ \t"):
        raise ValueError("a name is one word")

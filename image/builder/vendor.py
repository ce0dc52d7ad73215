"""Files that only a board's vendor has: they are asked for by name, and their sums are checked."""

from __future__ import annotations

import hashlib
from pathlib import Path

from image.builder.board import Board
from image.builder.programs import BuildError

SUMS = "SHA256SUMS"


def gather(board: Board, folder: Path) -> dict[str, Path]:
    """Every vendor file of the board by name, each with the sum that the folder's list has.

    Raises BuildError that says which file to put where.
    """
    missing = [
        f"  {folder / name}: {origin}"
        for name, origin in board.vendor_files
        if not (folder / name).is_file()
    ]
    if missing:
        raise BuildError(
            f"{board.title} needs files of its vendor. Put them here, with their sums in "
            f"{folder / SUMS} (image/README.md says how):\n" + "\n".join(missing)
        )
    return {name: _checked(folder, name) for name, _ in board.vendor_files}


def _checked(folder: Path, name: str) -> Path:
    wanted = _sums(folder).get(name)
    if not wanted:
        raise BuildError(
            f"{folder / SUMS} has no line for {name}: compare the file with its vendor's "
            f"sum, then: cd {folder} && sha256sum {name} >> {SUMS}"
        )
    found = sha256(folder / name)
    if found != wanted:
        raise BuildError(
            f"{folder / name} has the SHA-256 {found}, but {SUMS} says {wanted}: "
            "it is damaged, or another version. Fetch it again, or correct the list."
        )
    return folder / name


def _sums(folder: Path) -> dict[str, str]:
    """As sha256sum writes them: a sum, blanks, perhaps a star, a name."""
    if not (folder / SUMS).is_file():
        return {}
    lines = (folder / SUMS).read_text("utf-8").splitlines()
    pairs = [line.split(maxsplit=1) for line in lines if line.strip()]
    return {pair[1].lstrip("*"): pair[0].lower() for pair in pairs if len(pair) == 2}


def sha256(file: Path) -> str:
    """The sum of a file, in hex."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()

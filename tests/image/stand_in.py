"""A small root file system and a vendor's files that are none, to build images from in a second."""

from __future__ import annotations

import hashlib
from pathlib import Path

from image.builder.board import Board


def small_root(folder: Path) -> Path:
    """A root file system with a kernel of a few bytes."""
    root = folder / "root"
    (root / "boot").mkdir(parents=True)
    (root / "etc").mkdir()
    (root / "var").mkdir()
    for name in ("vmlinuz", "initrd.img", "board.dtb"):
        (root / "boot" / name).write_bytes(name.encode() * 1000)
    (root / "etc/hostname").symlink_to("../var/lib/luna-system/hostname")
    (root / "etc/machine-id").touch(mode=0o444)
    return root


def vendor_files(board: Board, folder: Path) -> dict[str, Path]:
    """Every vendor file of the board, each with content of its own, and the list of their sums."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for name, _ in board.vendor_files:
        content = f"stand-in for {name}. ".encode() * 5000
        (folder / name).write_bytes(content)
        lines.append(f"{hashlib.sha256(content).hexdigest()}  {name}\n")
    (folder / "SHA256SUMS").write_text("".join(lines), "utf-8")
    return {name: folder / name for name, _ in board.vendor_files}

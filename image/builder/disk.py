"""The file to flash: table, loader, partitions; then compressed, with its sum and block map."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from image.builder import boot
from image.builder.board import Board
from image.builder.layout import (
    BOOT,
    BOOTSTATE,
    DATA,
    FIRST_PARTITION_SECTOR,
    ROOT_A,
    SECTOR,
    disk_bytes,
    fixed_uuid,
    script,
    starts,
)  # fmt: skip
from image.builder.programs import BuildError, require, run
from image.builder.vendor import sha256

_CHUNK = 1024 * 1024
# Its file system grows to a terabyte without being made anew.
_DATA_BLOCKS_MAX = 2**40 // 4096


def build(
    board: Board, vendor: dict[str, Path], slot: Path, note: str, epoch: int, image: Path
) -> None:
    """Write the image: the first slot filled, the second empty, nothing on the data partition."""
    image.unlink(missing_ok=True)
    with image.open("wb") as made:
        made.truncate(disk_bytes())
    run("sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", image, stdin=script())
    for loader in board.loaders:
        _write_loader(image, vendor[loader.file], loader.sector, _room(board, loader.sector))
    part = image.with_suffix(".part")
    first = starts()
    boot.partition(board, note, epoch, part)
    _write(image, part, first[BOOT.name])
    part.write_bytes(boot.counters(boot.FRESH))
    _write(image, part, first[BOOTSTATE.name])
    _write(image, slot, first[ROOT_A.name])
    _data(part, epoch)
    _write(image, part, first[DATA.name])
    part.unlink()


def publish(image: Path) -> Path:
    """Compress the image, and write its sum and its block map beside it."""
    packed = image.with_suffix(".img.xz")
    run("bmaptool", "create", "-o", image.with_suffix(".bmap"), image)
    run("xz", "--keep", "--force", "--threads=0", "-2", image)
    sums = packed.with_suffix(".xz.sha256")
    sums.write_text(f"{sha256(packed)}  {packed.name}\n", "utf-8")
    return packed


def _room(board: Board, sector: int) -> int:
    """Sectors until the next part of the loader, or the first partition."""
    later = [other.sector for other in board.loaders if other.sector > sector]
    return min([*later, FIRST_PARTITION_SECTOR]) - sector


def _write_loader(image: Path, file: Path, sector: int, room: int) -> None:
    if file.stat().st_size > room * SECTOR:
        raise BuildError(
            f"{file} has {file.stat().st_size} bytes, but from sector {sector} there is room "
            f"for {room * SECTOR}: it is not the file that the board asks for."
        )
    _write(image, file, sector)


def _write(image: Path, part: Path, sector: int) -> None:
    """Copy a file to a place in the image; holes and zeros stay holes."""
    zeros = bytes(_CHUNK)
    with part.open("rb") as source, image.open("r+b") as target:
        target.seek(sector * SECTOR)
        while chunk := source.read(_CHUNK):
            if chunk == zeros[: len(chunk)]:
                target.seek(len(chunk), os.SEEK_CUR)
            else:
                target.write(chunk)


def _data(image: Path, epoch: int) -> None:
    """The data partition's empty file system; the board fills it."""
    image.unlink(missing_ok=True)
    identity = fixed_uuid("data file system")
    run(
        "mke2fs", "-q", "-t", "ext4", "-b", "4096", "-i", "16384", "-m", "1", "-J", "size=32",
        "-L", "luna-data", "-U", identity,
        "-E", f"hash_seed={identity},resize={_DATA_BLOCKS_MAX},root_owner=0:0",
        image, f"{DATA.mib}m",
        environ={"E2FSPROGS_FAKE_TIME": str(epoch)},
    )  # fmt: skip


def needed_programs() -> tuple[str, ...]:
    """What has to be installed."""
    return ("sfdisk", "mke2fs", "debugfs", "mkfs.vfat", "mcopy", "mkimage", "bmaptool", "xz")


def check_space(folder: Path, wanted: int = 6 * 2**30) -> None:
    """BuildError where the folder's disk is too small for an image and its parts."""
    free = shutil.disk_usage(folder).free
    if free < wanted:
        raise BuildError(
            f"{folder} has {free >> 30} GiB free; an image and its parts need {wanted >> 30}."
        )
    require(needed_programs())

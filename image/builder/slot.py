"""A root file system as an ext4 image: the same bytes for the same tree, on every machine."""

from __future__ import annotations

import os
from pathlib import Path

from image.builder.layout import MIB, ROOT_A, fixed_uuid
from image.builder.programs import BuildError, run

_BLOCK = 4096
_INODE = 256
# Of what ext4 spends on itself beside inodes; the rest of the last 16 MiB stays empty.
_SPARE = 1.03
_ROUND = 16 * MIB


def size(root: Path) -> tuple[int, int]:
    """Bytes that the image needs, and how many files are in it."""
    blocks = files = 0
    for folder, _, names in os.walk(root):
        for path in (Path(folder), *(Path(folder, name) for name in names)):
            files += 1
            blocks += -(-path.lstat().st_size // _BLOCK)
    needed = int((blocks * _BLOCK + files * _INODE) * _SPARE) + 8 * MIB
    return -(-needed // _ROUND) * _ROUND, files


def settle_times(root: Path, epoch: int) -> None:
    """Give what is newer than the commit the commit's time, links and folders too."""
    for folder, folders, names in os.walk(root):
        for path in (Path(folder), *(Path(folder, name) for name in [*folders, *names])):
            if path.lstat().st_mtime > epoch:
                os.utime(path, (epoch, epoch), follow_symlinks=False)


def build(root: Path, epoch: int, image: Path) -> None:
    """Write the image; no journal, because a slot is never written while it is in use."""
    settle_times(root, epoch)
    total, files = size(root)
    if total > ROOT_A.sectors * 512:
        raise BuildError(
            f"The root file system needs {total // MIB} MiB and a slot has {ROOT_A.mib}: "
            "leave packages out, or enlarge the slots in image/builder/layout.py."
        )
    image.unlink(missing_ok=True)
    identity = fixed_uuid("root file system")
    run(
        "mke2fs", "-q", "-t", "ext4", "-b", str(_BLOCK), "-I", str(_INODE), "-m", "0",
        "-N", str(files + 512), "-O", "^has_journal,^resize_inode", "-L", "luna-root",
        "-U", identity, "-E", f"hash_seed={identity},root_owner=0:0,lazy_itable_init=0,nodiscard",
        "-d", root, image, str(total // 1024) + "k",
        environ={"E2FSPROGS_FAKE_TIME": str(epoch), "SOURCE_DATE_EPOCH": str(epoch)},
    )  # fmt: skip

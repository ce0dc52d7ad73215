"""A root file system as an ext4 image: the same bytes for the same tree, on every machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from image.builder.layout import MIB, ROOT_A, fixed_uuid
from image.builder.programs import BuildError, run

_BLOCK = 4096
_INODE = 256
_ROOT_INODE = 2
_FIRST_INODE = 11  # lost+found; the tree follows without a gap
# Of what ext4 spends on itself beside inodes; the rest of the last 16 MiB stays empty.
_SPARE = 1.03
_ROUND = 16 * MIB


def size(root: Path) -> tuple[int, int]:
    """Bytes that the image needs, and how many inodes are in it."""
    blocks, inodes = 0, set()
    for path in _everything(root):
        status = path.lstat()
        if status.st_ino not in inodes:
            inodes.add(status.st_ino)
            blocks += -(-status.st_size // _BLOCK)
    needed = int((blocks * _BLOCK + len(inodes) * _INODE) * _SPARE) + 8 * MIB
    return -(-needed // _ROUND) * _ROUND, len(inodes)


def settle_times(root: Path, epoch: int) -> None:
    """Give what is newer than the commit the commit's time."""
    for path in _everything(root):
        time = min(int(path.lstat().st_mtime), epoch)
        os.utime(path, (time, time), follow_symlinks=False)


def _everything(root: Path) -> Iterator[Path]:
    """Every file, link and folder, `root` first."""
    yield root
    for folder, folders, names in os.walk(root):
        yield from (Path(folder, name) for name in [*folders, *names])


def build(root: Path, epoch: int, image: Path) -> None:
    """Write the image; no journal, because a slot is never written while it is in use."""
    settle_times(root, epoch)
    total, inodes = size(root)
    if total > ROOT_A.sectors * 512:
        raise BuildError(
            f"The root file system needs {total // MIB} MiB and a slot has {ROOT_A.mib}: "
            "leave packages out, or enlarge the slots in image/builder/layout.py."
        )
    image.unlink(missing_ok=True)
    identity = fixed_uuid("root file system")
    run(
        "mke2fs", "-q", "-t", "ext4", "-b", str(_BLOCK), "-I", str(_INODE), "-m", "0",
        "-N", str(inodes + 512), "-O", "^has_journal,^resize_inode", "-L", "luna-root",
        "-U", identity, "-E", f"hash_seed={identity},root_owner=0:0,lazy_itable_init=0,nodiscard",
        "-d", root, image, str(total // 1024) + "k",
        environ={"E2FSPROGS_FAKE_TIME": str(epoch)},
    )  # fmt: skip
    _settle_inodes(image, inodes, epoch)


def _settle_inodes(image: Path, inodes: int, epoch: int) -> None:
    """Overwrite the times of change and of reading, which mke2fs 1.47.0 takes from the folder."""
    used = [_ROOT_INODE, *range(_FIRST_INODE, _FIRST_INODE + inodes)]
    with TemporaryDirectory() as folder:
        script = Path(folder, "script")
        # The first is for the time of the last writing, in the superblock.
        lines = [f"set_current_time @{epoch}\n"]
        lines += [f"sif <{n}> {name} @{epoch}\n" for n in used for name in ("atime", "ctime")]
        script.write_text("".join(lines), "utf-8")
        run("debugfs", "-w", "-f", script, image)

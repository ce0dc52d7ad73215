"""The door to other programs: what is missing is named with its package, what fails is shown."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

# Program → Debian package that holds it.
PACKAGES = {
    "aarch64-linux-gnu-g++": "g++-aarch64-linux-gnu",
    "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu",
    "aarch64-linux-gnu-strip": "binutils-aarch64-linux-gnu",
    "arch-test": "arch-test",
    "bmaptool": "bmap-tools",
    "debugfs": "e2fsprogs",
    "dpkg-query": "dpkg",
    "dh": "debhelper",
    "mcopy": "mtools",
    "mke2fs": "e2fsprogs",
    "mkfs.vfat": "dosfstools",
    "mkimage": "u-boot-tools",
    "mmdebstrap": "mmdebstrap",
    "openssl": "openssl",
    "qemu-aarch64-static": "qemu-user-static",
    "rauc": "rauc",
    "sfdisk": "fdisk",
    "mksquashfs": "squashfs-tools",
    "ninja": "ninja-build",
    "tar": "tar",
    "unshare": "util-linux",
    "update-binfmts": "binfmt-support",
    "xz": "xz-utils",
}
_TAIL = 40


class BuildError(Exception):
    """The build cannot go on; the text says what to do about it."""


def require(programs: Iterable[str], find: Callable[[str], str | None] = shutil.which) -> None:
    """Raise BuildError with one apt command for all `programs` that are missing."""
    missing = [name for name in programs if not find(name)]
    if missing:
        packages = " ".join(sorted({PACKAGES.get(name, name) for name in missing}))
        raise BuildError(f"{', '.join(missing)} missing. On Debian: apt install {packages}")


def run(
    *command: str | Path,
    environ: Mapping[str, str] | None = None,
    stdin: str | None = None,
    folder: Path | None = None,
) -> str:
    """What the program prints on both its outputs; BuildError with its last lines if it fails."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            env={**os.environ, **(environ or {})},
            input=stdin,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError:
        require(words[:1])
        raise
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-_TAIL:])
        raise BuildError(f"{tail}\n{words[0]} failed with {done.returncode}: {' '.join(words)}")
    return done.stdout


class Progress:
    """Tells of each step, and how long it took."""

    def __init__(
        self,
        say: Callable[[str], None] = print,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say = say
        self._clock = clock
        self._start = clock()

    def __call__(self, text: str) -> None:
        """One line, with the minutes and seconds since the beginning."""
        seconds = int(self._clock() - self._start)
        self._say(f"[{seconds // 60:3}:{seconds % 60:02}] {text}")

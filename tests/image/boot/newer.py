"""An update that is newer than any image."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from image.builder import rauc
from image.builder.board import load
from image.builder.cache import default_folder
from image.builder.programs import run

VERSION = "99.0"
_OS_RELEASE = "usr/lib/os-release"


def newer(image: Path, folder: Path) -> Path:
    """An update with the system of the image, which says that it is of another version."""
    slot, release, made = folder / "slot.img", folder / "os-release", folder / "luna.raucb"
    shutil.copyfile(image.with_suffix(".slot.img"), slot)
    text = run("debugfs", "-R", f"cat {_OS_RELEASE}", slot)
    release.write_text(re.sub("(?m)^IMAGE_VERSION=.*$", f"IMAGE_VERSION={VERSION}", text), "utf-8")
    script = folder / "script"
    script.write_text(f"rm {_OS_RELEASE}\nwrite {release} {_OS_RELEASE}\n", "utf-8")
    run("debugfs", "-w", "-f", script, slot)
    rauc.bundle(load("virt-arm64"), VERSION, slot, rauc.development_key(default_folder()), made)
    slot.unlink()
    return made

"""A program of Debian's for the machine's other side, which the image has no use for."""

from __future__ import annotations

import shutil
from pathlib import Path

from image.builder import recipe
from image.builder.cache import default_folder
from image.builder.programs import run

_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"


def fetch(package: str, program: str, target: Path) -> None:
    """Put `program` of a package for arm64 into a folder; nothing of this machine is changed."""
    kept = default_folder() / "tools" / Path(program).name
    if not kept.exists():
        _download(package, program, kept)
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy(kept, target / kept.name)


def _download(package: str, program: str, kept: Path) -> None:
    """apt with folders of its own, so that it knows only the machine's Debian."""
    home = kept.parent / "apt"
    for folder in ("etc/apt/apt.conf.d", "state/lists/partial", "cache/archives/partial"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    lines = [line.replace("deb ", f"deb [signed-by={_KEYS}] ") for line in recipe.load().sources]
    (home / "etc/apt/sources.list").write_text("\n".join(lines) + "\n", "utf-8")
    (home / "status").touch()
    options = [
        *("-o", f"Dir::Etc={home}/etc/apt", "-o", f"Dir::State={home}/state"),
        *("-o", f"Dir::Cache={home}/cache", "-o", f"Dir::State::status={home}/status"),
        *("-o", "APT::Architecture=arm64", "-o", "APT::Architectures=arm64"),
        *("-o", "APT::Sandbox::User=root"),
    ]
    run("apt-get", *options, "-q", "update")
    run("apt-get", *options, "-q", "download", package, folder=home)
    (deb,) = home.glob(f"{package}_*.deb")
    run("dpkg-deb", "-x", deb, home / "tree")
    shutil.copy(home / "tree" / program, kept)
    shutil.rmtree(home)

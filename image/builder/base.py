"""The base system: Debian for arm64, without a kernel and without Luna."""

from __future__ import annotations

import platform
from pathlib import Path

from image.builder.cache import key_of
from image.builder.programs import BuildError, require, run
from image.builder.recipe import Recipe

BINFMT = Path("/proc/sys/fs/binfmt_misc")
# How the kernel is told since Debian 13 (binfmt.d(5)), by systemd where that is running.
RULE = Path("/usr/lib/binfmt.d/qemu-aarch64.conf")


def key(recipe: Recipe) -> str:
    """Names the base system by what it is made of."""
    return key_of(repr(recipe))


def ready_to_emulate(
    machine: str = platform.machine(), binfmt: Path = BINFMT, rule: Path = RULE
) -> None:
    """See to it that this machine runs programs for arm64; BuildError says what is lacking."""
    if machine == "aarch64":
        return
    require(["arch-test", "qemu-aarch64-static", "update-binfmts"])
    if not (binfmt / "register").exists():
        run("mount", "-t", "binfmt_misc", "binfmt_misc", binfmt)
    if not any(binfmt.glob("qemu-aarch64*")):
        run("update-binfmts", "--enable")
    if rule.exists() and not any(binfmt.glob("qemu-aarch64*")):
        (binfmt / "register").write_bytes(rule.read_bytes())
    if not any(binfmt.glob("qemu-aarch64*")):
        raise BuildError(
            "This machine does not run programs for arm64: install qemu-user-static and "
            "binfmt-support, then: update-binfmts --enable qemu-aarch64"
        )


def build(recipe: Recipe, archive: Path) -> None:
    """Write the base system as a tar archive; takes long where arm64 is emulated."""
    run(*command(recipe, archive), environ={"SOURCE_DATE_EPOCH": str(recipe.epoch)})


def command(recipe: Recipe, archive: Path) -> list[str]:
    """The call of mmdebstrap."""
    options = [f"path-exclude={path}" for path in recipe.leave_out]
    options += [f"path-include={path}" for path in recipe.keep]
    return [
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        "--architectures=arm64",
        f"--include={','.join(recipe.packages)}",
        # Nothing is synced to disk for each package: the archive is what counts.
        "--dpkgopt=force-unsafe-io",
        *(f"--dpkgopt={option}" for option in options),
        recipe.suite,
        str(archive),
        *recipe.sources,
    ]

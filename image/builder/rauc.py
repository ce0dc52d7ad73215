"""Updates: RAUC's settings on the board, the key that signs, and the signed bundle."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from image.builder.board import Board
from image.builder.programs import run

_SYSTEM = """\
# Two slots of the root file system; the counters of the boot script say which one starts.
[system]
compatible={compatible}
bootloader=uboot
statusfile=/var/lib/luna-system/rauc.status
bundle-formats=verity

[keyring]
path=/etc/rauc/keyring.pem

[slot.rootfs.0]
device=/run/luna-disk/root-a
type=raw
bootname=A

[slot.rootfs.1]
device=/run/luna-disk/root-b
type=raw
bootname=B
"""
_MANIFEST = """\
[update]
compatible={compatible}
version={version}
description=Luna for {title}

[bundle]
format=verity

[image.rootfs]
filename=rootfs.img
"""


def system_conf(board: Board) -> str:
    """What /etc/rauc/system.conf says on a board."""
    return _SYSTEM.format(compatible=board.compatible)


def development_key(folder: Path) -> tuple[Path, Path]:
    """Certificate and key for bundles of one's own, made at the first build and kept.

    A release is signed with a key from outside the project instead.
    """
    certificate, key = folder / "development.cert.pem", folder / "development.key.pem"
    if not certificate.exists():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        kind = ("-newkey", "rsa:3072", "-nodes", "-x509", "-days", "10950")
        run(
            "openssl", "req", *kind, "-subj", "/O=Luna/CN=Luna development",
            "-keyout", key, "-out", certificate,
        )  # fmt: skip
    return certificate, key


def bundle(board: Board, version: str, slot: Path, signer: tuple[Path, Path], target: Path) -> None:
    """Write a signed bundle with this slot's image; an older one is replaced."""
    certificate, key = signer
    with TemporaryDirectory(dir=target.parent) as folder:
        content = Path(folder, "content")
        content.mkdir()
        manifest = _MANIFEST.format(compatible=board.compatible, version=version, title=board.title)
        (content / "manifest.raucm").write_text(manifest, "utf-8")
        _hard_link(slot, content / "rootfs.img")
        made = Path(folder, "made.raucb")
        squashfs = "--mksquashfs-args=-comp zstd -Xcompression-level 6"
        run("rauc", "bundle", f"--cert={certificate}", f"--key={key}", squashfs, content, made)
        made.replace(target)


def _hard_link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:  # another file system
        shutil.copyfile(source, target)

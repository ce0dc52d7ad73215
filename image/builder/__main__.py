"""The command line: which board, where to, and with which vendor files and keys."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from image.builder import base, board, disk, engine, rauc, recipe, vendor
from image.builder.build import ROOT, Build
from image.builder.cache import Cache, default_folder
from image.builder.programs import BuildError, Progress, require

_ALSO_NEEDED = ("mmdebstrap", "dh", "dpkg-query", "tar", "unshare", "rauc", "mksquashfs", "openssl")


def main(arguments: Sequence[str] | None = None) -> int:
    """Build an image; a sentence and status 1 where that cannot be done."""
    asked = _parser().parse_args(arguments)
    try:
        _build(asked)
    except BuildError as error:
        print(f"image: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m image.builder", description="Build the firmware image of a board."
    )
    add = parser.add_argument
    add("--board", required=True, help=f"one of: {', '.join(board.names())}")
    add("--out", type=Path, default=ROOT / "dist/image", help="where to (dist/image)")
    add("--vendor", type=Path, help="the vendor's files (image/vendor/BOARD)")
    add("--cache", type=Path, default=default_folder(), help="what is kept for the next build")
    add("--certificate", type=Path, help="signs updates; made where there is none")
    add("--key", type=Path, help="the certificate's private key")
    return parser


def _build(asked: argparse.Namespace) -> None:
    wanted = board.load(asked.board)
    folder = asked.vendor or ROOT / "image/vendor" / wanted.name
    files = vendor.gather(wanted, folder)
    if os.geteuid() != 0:
        raise BuildError("A root file system has files of root's: run this as root.")
    require([*_ALSO_NEEDED, *engine.PROGRAMS, *disk.needed_programs()])
    asked.out.mkdir(parents=True, exist_ok=True)
    disk.check_space(asked.out)
    base.ready_to_emulate()
    signer = (asked.certificate, asked.key)
    if not all(signer):
        signer = rauc.development_key(asked.cache)
    progress = Progress(lambda line: print(line, flush=True))
    build = Build(
        board=wanted,
        recipe=recipe.load(),
        vendor_files=files,
        signer=signer,
        out=asked.out,
        cache=Cache(asked.cache),
        epoch=_epoch(),
        tell=progress,
    )
    made = build.everything()
    progress("done:")
    for file in made:
        print(f"  {file}  {file.stat().st_size / 1e6:.1f} MB")
    if wanted.notice:
        print(wanted.notice)


def _epoch() -> int:
    """The time that new files get: the last commit's, or what SOURCE_DATE_EPOCH says."""
    if "SOURCE_DATE_EPOCH" in os.environ:
        return int(os.environ["SOURCE_DATE_EPOCH"])
    asked = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError("There is no commit to take the time from: set SOURCE_DATE_EPOCH.")
    return int(done.stdout)


if __name__ == "__main__":
    sys.exit(main())

"""The whole build, step by step: base system, kernel, Luna, slot, disk, bundle, lists."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from image.builder import base, disk, engine, firmware, rauc, sbom, slot, vendor
from image.builder.board import Board
from image.builder.cache import Cache, key_of, tree_key
from image.builder.firmware import Release
from image.builder.programs import Progress, run
from image.builder.recipe import Recipe
from image.builder.tree import Tree

ROOT = Path(__file__).parents[2]
# What Luna's package is made from, and what is made of the board with it.
_SOURCES = ("appliance", "provisioning", "systemd", "udev", "image/deb", "requirements.lock")
_RECIPES = ("image/builder", "image/overlay", "image/engine.toml")
_ENGINE = ("image/builder/engine.py", "image/engine.toml")
_SITE_PACKAGES = "usr/lib/luna/lib/python3*/site-packages"


@dataclass(frozen=True, slots=True)
class Build:
    """An image to be made; `signer` is the certificate and the key of its bundles."""

    board: Board
    recipe: Recipe
    vendor_files: dict[str, Path]
    signer: tuple[Path, Path]
    out: Path
    cache: Cache
    epoch: int
    tell: Progress

    @property
    def release(self) -> Release:
        """Version and time of the image: those of the commit."""
        text = (ROOT / "appliance/__init__.py").read_text("utf-8")
        found = re.search(r'^__version__ = "(.*)"$', text, re.M)
        version = found.group(1) if found else "0"
        day = datetime.fromtimestamp(self.epoch, UTC).strftime("%Y%m%d%H%M")
        return Release(f"{version}+{day}", self.epoch)

    def everything(self) -> list[Path]:
        """Make the image and all that goes with it; what was made."""
        root = self.root()
        made = self.slot(root)
        image = self.disk(made)
        bundle = self.bundle(made)
        lists = [self.named(".packages.txt"), self.named(".cdx.json")]
        self.tell(f"compressing {image.name}")
        return [disk.publish(image), image.with_suffix(".bmap"), bundle, *lists]

    def named(self, suffix: str) -> Path:
        """A file of this image."""
        return self.out / f"luna-{self.board.name}{suffix}"

    def root(self) -> Path:
        """The archive of the root file system."""
        base_key = base.key(self.recipe)
        sums = [vendor.sha256(file) for _, file in sorted(self.vendor_files.items())]
        installed = (self.board.packages, self.board.sources, self.board.vendor_debs)
        board_key = key_of(base_key, repr(installed), *sums)
        luna_key = key_of(board_key, tree_key([ROOT / name for name in _SOURCES], ROOT))
        root_key = key_of(
            luna_key,
            repr(self.board),
            tree_key([ROOT / name for name in _RECIPES], ROOT),
            self.signer[0].read_text("utf-8"),
            repr(self.release),
        )
        with_kernel = partial(self._with_kernel, base_key)
        with_luna = partial(self._with_luna, with_kernel, board_key)
        as_appliance = partial(self._as_appliance, with_luna, luna_key)
        return self.cache.get(f"root-{self.board.name}", root_key, as_appliance)

    def engine(self) -> Path:
        """The archive of the CPU engine."""
        key = key_of(str(self.recipe.epoch), tree_key([ROOT / name for name in _ENGINE], ROOT))
        return self.cache.get("engine", key, self._engine)

    def slot(self, archive: Path) -> Path:
        """The slot's image, with lists of what is in it."""
        self.tell("slot: writing the root file system")
        image = self.named(".slot.img")
        with TemporaryDirectory(dir=self.out) as folder:
            tree = _tree(folder, archive, self.epoch)
            self._list(tree)
            slot.build(tree.root, self.epoch, image)
        return image

    def disk(self, made: Path) -> Path:
        """The image of the whole card."""
        self.tell("disk: partitions and loader")
        image = self.named(".img")
        note = _NOTE.format(board=self.board.title, status=self.board.status)
        disk.build(self.board, self.vendor_files, made, note, self.epoch, image)
        return image

    def bundle(self, made: Path) -> Path:
        """The signed update."""
        self.tell("bundle: signing the update")
        target = self.named(".raucb")
        rauc.bundle(self.board, self.release.version, made, self.signer, target)
        return target

    def _base(self, archive: Path) -> None:
        self.tell("base: Debian for arm64 (long where arm64 is emulated; kept for next time)")
        base.build(self.recipe, archive)

    def _engine(self, archive: Path) -> None:
        self.tell("engine: compiling llama.cpp (long; kept for next time)")
        engine.build(engine.load(), self.recipe.epoch, archive)

    def _with_kernel(self, base_key: str, archive: Path) -> None:
        before = self.cache.get("base", base_key, self._base)
        self.tell(f"kernel: {' '.join(self.board.packages)} (kept for next time)")
        with TemporaryDirectory(dir=self.out) as folder:
            tree = _tree(folder, before, self.recipe.epoch)
            firmware.add_kernel(tree, self.board, self.vendor_files)
            tree.pack(archive)

    def _with_luna(self, with_kernel: partial[None], key: str, archive: Path) -> None:
        before = self.cache.get(f"kernel-{self.board.name}", key, with_kernel)
        with TemporaryDirectory(dir=self.out) as folder:
            self.tell("luna: building the package")
            build_deb = ROOT / "image/deb/build"
            epoch = {"SOURCE_DATE_EPOCH": str(self.recipe.epoch)}
            run(build_deb, "--arch", "arm64", "--debian", "13", "--out", folder, environ=epoch)
            (deb,) = Path(folder).glob("luna_*.deb")
            self.tell("luna: installing it")
            tree = _tree(folder, before, self.recipe.epoch)
            firmware.add_luna(tree, deb)
            tree.pack(archive)

    def _as_appliance(self, with_luna: partial[None], key: str, archive: Path) -> None:
        before = self.cache.get(f"luna-{self.board.name}", key, with_luna)
        self.tell("appliance: settings and ramdisk")
        with TemporaryDirectory(dir=self.out) as folder:
            tree = _tree(folder, before, self.epoch)
            firmware.add_engine(tree, self.engine())
            keyring, release = self.signer[0], self.release
            firmware.make_appliance(tree, self.board, self.vendor_files, keyring, release)
            firmware.tidy(tree)
            tree.pack(archive)

    def _list(self, tree: Tree) -> None:
        (site,) = tree.root.glob(_SITE_PACKAGES)
        sums = {name: vendor.sha256(file) for name, file in self.vendor_files.items()}
        found = [*sbom.debian(firmware.packages(tree)), *sbom.python(site), *sbom.vendor(sums)]
        found.append(sbom.compiled(engine.load(), vendor.sha256(tree.root / engine.PROGRAM)))
        when = datetime.fromtimestamp(self.epoch, UTC).isoformat()
        document = sbom.cyclonedx(self.board.compatible, self.release.version, when, found)
        self.named(".packages.txt").write_text(sbom.manifest(found), "utf-8")
        self.named(".cdx.json").write_text(document, "utf-8")


def _tree(folder: str, archive: Path, epoch: int) -> Tree:
    """What an archive holds, unpacked; one that serves other commits too has the recipe's time."""
    tree = Tree(Path(folder, "root"), epoch)
    tree.unpack(archive)
    return tree


_NOTE = """\
This is the boot partition of a Luna ({board}, {status}).

boot.scr chooses which of the two systems starts; leave it as it is. Files that you put here are
read when the device starts: see "first boot" in Luna's documentation. Whose SSH keys are in a file
authorized_keys may log in as root.
"""

"""The root file system of a board: base system, kernel, Luna, and what makes it an appliance."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from image.builder import boot, engine, rauc
from image.builder.board import Board
from image.builder.programs import run
from image.builder.tree import Tree

OVERLAY = Path(__file__).parents[1] / "overlay"
# Where dpkg's list of packages goes: /var is the data partition's.
DPKG = "usr/lib/luna-image/dpkg"
# Where Luna looks for it first.
NPU_RUNTIME = "usr/lib/librkllmrt.so"
_DEBIAN_KEY = "/usr/share/keyrings/debian-archive-keyring.gpg"
_APT_CACHES = ("var/cache/apt/*", "var/lib/apt/lists/*", "var/cache/debconf/*-old")
_LEFTOVERS = (
    "etc/*-",
    "etc/hostname",
    "etc/ssh/ssh_host_*",
    "run/*",
    "tmp/*",
    "usr/lib/luna-image/dpkg/*-old",
    "var/cache/ldconfig/aux-cache",
    "var/lib/dbus/machine-id",
    "var/lib/systemd/random-seed",
    "var/log/*",
    "var/tmp/*",
)


@dataclass(frozen=True, slots=True)
class Release:
    """What an image says of itself."""

    version: str
    epoch: int


def add_kernel(tree: Tree, board: Board, vendor: dict[str, Path]) -> None:
    """Install the board's kernel and packages, from Debian and from the vendor's sources."""
    lists = tree.root / "etc/apt/sources.list.d"
    for number, source in enumerate(board.sources):
        key = _DEBIAN_KEY
        if source.key:
            key = f"/etc/apt/keyrings/{source.key}"
            tree.copy(vendor[source.key], key)
        (lists / f"board-{number}.list").write_text(source.line(key) + "\n", "utf-8")
    # The initial ramdisk is made once, when everything is there: under emulation it takes minutes.
    without_ramdisk = ("env", "INITRD=No")
    tree.do("apt-get", "update", "-q")
    install = ("apt-get", "install", "-qy", "--no-install-recommends")
    tree.do(*without_ramdisk, *install, *board.packages)
    for name in board.vendor_debs:
        tree.copy(vendor[name], f"tmp/{name}")
        tree.do(*without_ramdisk, *install, f"/tmp/{name}")
    tree.remove(*_APT_CACHES)


def add_luna(tree: Tree, deb: Path) -> None:
    """Install Luna's package; what it depends on is there already."""
    tree.copy(deb, "tmp/luna.deb")
    tree.do("dpkg", "--install", "/tmp/luna.deb")


def add_engine(tree: Tree, archive: Path) -> None:
    """Add the CPU engine; BuildError where it would not start there."""
    tree.add(archive)
    tree.do(f"/{engine.PROGRAM}", "--version")


def make_appliance(
    tree: Tree, board: Board, vendor: dict[str, Path], keyring: Path, release: Release
) -> None:
    """Lay our files over it, switch off what a board does not need, and make the ramdisk."""
    tree.lay_over(OVERLAY)
    tree.write("etc/rauc/system.conf", rauc.system_conf(board))
    tree.write("etc/rauc/keyring.pem", keyring.read_text("utf-8"))
    tree.write("etc/initramfs-tools/conf.d/luna", boot.initramfs_conf(board))
    tree.write("etc/initramfs-tools/modules", "".join(f"{name}\n" for name in board.modules))
    tree.write("etc/motd", _motd(board, release))
    tree.write("etc/issue", _motd(board, release))
    _name_it(tree, board, release)
    if board.npu_runtime:
        tree.copy(vendor[board.npu_runtime], NPU_RUNTIME)
    (tree.root / "boot/luna").mkdir(exist_ok=True)
    tree.do("systemd-sysusers")
    tree.do("systemctl", "preset-all")
    tree.do("systemctl", "set-default", "multi-user.target")
    tree.do("update-initramfs", "-c", "-k", "all")
    boot.settle_kernel(tree, board)


def tidy(tree: Tree) -> None:
    """Leave nothing of the build behind, and nothing that two devices must not share."""
    shutil.rmtree(tree.root / DPKG, ignore_errors=True)
    (tree.root / DPKG).parent.mkdir(parents=True, exist_ok=True)
    (tree.root / "var/lib/dpkg").rename(tree.root / DPKG)
    tree.link("var/lib/dpkg", f"../../{DPKG}")
    tree.remove(*_APT_CACHES, *_LEFTOVERS)
    # Both are kept on the data partition; see the ramdisk's script luna-state.
    tree.write("etc/machine-id", "")
    tree.link("etc/hostname", "../var/lib/luna-system/hostname")


def packages(tree: Tree) -> str:
    """A line for each package: name, version, licence file's package, source."""
    form = "${Package}\\t${Version}\\t${Architecture}\\t${source:Package}\\t${source:Version}\\n"
    return run("dpkg-query", f"--admindir={tree.root / DPKG}", "-W", f"-f={form}")


def _motd(board: Board, release: Release) -> str:
    return f"Luna {release.version} for {board.title} ({board.status})\n"


def _name_it(tree: Tree, board: Board, release: Release) -> None:
    """Add to os-release which image this is; /etc/os-release leads there."""
    file = tree.root / "usr/lib/os-release"
    lines = file.read_text("utf-8").splitlines()
    lines = [line for line in lines if not line.startswith(("IMAGE_", "VARIANT"))]
    lines += [f"IMAGE_ID={board.compatible}", f"IMAGE_VERSION={release.version}"]
    lines += [f'VARIANT="Luna for {board.title}"', f"VARIANT_ID={board.name}"]
    tree.write("usr/lib/os-release", "\n".join(lines) + "\n")

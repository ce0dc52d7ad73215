"""How a board starts: the boot partition's script, its counters, and where the kernel lies."""

from __future__ import annotations

import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

from image.builder.board import Board
from image.builder.layout import BOOT, fixed_uuid
from image.builder.programs import BuildError, run
from image.builder.tree import Tree

SCRIPT = Path(__file__).parents[1] / "boot/boot.cmd"
COUNTERS_BYTES = 0x8000
_TREE_FILE = "/boot/board.dtb"
# What a fresh card has: the second slot is empty.
FRESH = {"BOOT_ORDER": "A", "BOOT_A_LEFT": "3", "BOOT_B_LEFT": "0"}


def script(board: Board) -> str:
    """The boot script's text for a board."""
    words = [*(f"console={console}" for console in board.consoles), board.arguments]
    arguments = " ".join(filter(None, words))
    load, address = "", "${fdtcontroladdr}"
    if board.device_tree:
        load = f"load ${{luna_from}} ${{fdt_addr_r}} {_TREE_FILE} && "
        address = "${fdt_addr_r}"
    text = SCRIPT.read_text("utf-8")
    text = text.replace("@ARGUMENTS@", arguments).replace("@LOAD_TREE@", load)
    return text.replace("@TREE_ADDRESS@", address)


def counters(values: dict[str, str]) -> bytes:
    """An environment as U-Boot and fw_printenv read it: a CRC-32, then each NAME=VALUE."""
    text = b"".join(f"{name}={value}\0".encode() for name, value in values.items())
    body = text.ljust(COUNTERS_BYTES - 4, b"\0")
    return zlib.crc32(body).to_bytes(4, "little") + body


def initramfs_conf(board: Board) -> str:
    """How the initial ramdisk is made: small where the board says which modules it needs."""
    return f"MODULES={'list' if board.only_modules else 'most'}\nCOMPRESS=zstd\nRESUME=none\n"


def settle_kernel(tree: Tree, board: Board) -> None:
    """Give kernel, ramdisk and device tree the names that the boot script loads, without links."""
    folder = tree.root / "boot"
    kernels = sorted(folder.glob("vmlinuz-*"))
    if len(kernels) != 1:
        raise BuildError(f"{board.title} has {len(kernels)} kernels in /boot; one is needed.")
    version = kernels[0].name.removeprefix("vmlinuz-")
    kernels[0].rename(folder / "vmlinuz")
    (folder / f"initrd.img-{version}").rename(folder / "initrd.img")
    if board.device_tree:
        places = [f"usr/lib/linux-image-{version}", f"boot/dtb-{version}", "boot/dtb"]
        found = [tree.root / place / board.device_tree for place in places]
        there = [file for file in found if file.is_file()]
        if not there:
            raise BuildError(f"The kernel {version} has no device tree {board.device_tree}.")
        (tree.root / _TREE_FILE.lstrip("/")).write_bytes(there[0].read_bytes())
    tree.remove("vmlinuz*", "initrd.img*", "boot/System.map-*")


def partition(board: Board, readme: str, epoch: int, image: Path) -> None:
    """Write the boot partition: FAT, so that its owner can put files there from any computer."""
    environ = {"SOURCE_DATE_EPOCH": str(epoch), "MTOOLS_SKIP_CHECK": "1", "TZ": "UTC"}
    serial = fixed_uuid("boot file system")[:8]
    with image.open("wb") as made:
        made.truncate(BOOT.mib * 1024 * 1024)
    run("mkfs.vfat", "--invariant", "-i", serial, "-n", "LUNA", image, environ=environ)
    with TemporaryDirectory() as folder:
        text, made_script = Path(folder, "boot.cmd"), Path(folder, "boot.scr")
        text.write_text(script(board), "utf-8")
        compile_script = ("mkimage", "-A", "arm64", "-O", "linux", "-T", "script", "-C", "none")
        run(*compile_script, "-n", "luna", "-d", text, made_script, environ=environ)
        note = Path(folder, "README.txt")
        note.write_text(readme, "utf-8")
        for file in (made_script, note):
            # mcopy takes the file's time where it is told to keep it.
            run("touch", f"--date=@{epoch}", file)
            run("mcopy", "-m", "-i", image, file, f"::{file.name}", environ=environ)

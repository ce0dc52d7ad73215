"""The file to flash, from stand-in parts: what a board looks for is in its place."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest

from image.builder import board, boot, disk, layout, slot
from image.builder.programs import BuildError
from tests.image.stand_in import small_root, vendor_files

pytestmark = pytest.mark.needs("image-tools")
EPOCH = 1_793_491_200
ROCK = board.load("rock-5b")
PLUS = board.load("orangepi-5-plus")


def build(wanted: board.Board, folder: Path) -> Path:
    folder.mkdir()
    made = folder / "slot.img"
    slot.build(small_root(folder), EPOCH, made)
    files = vendor_files(wanted, folder / "vendor")
    image = folder / "card.img"
    disk.build(wanted, files, made, "a note\n", EPOCH, image)
    return image


@pytest.fixture(scope="module")
def rock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROCK, tmp_path_factory.mktemp("rock") / "one")


def tool(*command: str | Path) -> str:
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, errors="replace", check=True)
    return done.stdout


def read(image: Path, sector: int, count: int) -> bytes:
    with image.open("rb") as opened:
        opened.seek(sector * 512)
        return opened.read(count)


def content(image: Path) -> dict[int, str]:
    """What is written in the image, by its place; most of it is a hole."""
    found = {}
    with image.open("rb") as opened:
        end = 0
        while end < image.stat().st_size:
            try:
                start = os.lseek(opened.fileno(), end, os.SEEK_DATA)
            except OSError:  # nothing but a hole is left
                break
            end = os.lseek(opened.fileno(), start, os.SEEK_HOLE)
            opened.seek(start)
            found[start] = hashlib.sha256(opened.read(end - start)).hexdigest()
    return found


def test_the_loader_is_at_its_sectors(rock: Path) -> None:
    for loader in ROCK.loaders:
        wanted = (rock.parent / "vendor" / loader.file).read_bytes()
        assert read(rock, loader.sector, len(wanted)) == wanted
    assert [loader.sector for loader in ROCK.loaders] == [64, 16384]


def test_a_joined_loader_is_at_sector_64(tmp_path: Path) -> None:
    image = build(PLUS, tmp_path / "plus")
    wanted = (tmp_path / "plus/vendor/u-boot-rockchip.bin").read_bytes()
    assert read(image, 64, len(wanted)) == wanted


def test_the_partition_table_is_what_sfdisk_reads(rock: Path) -> None:
    table: dict[str, Any] = json.loads(tool("sfdisk", "--json", rock))["partitiontable"]
    assert table["label"] == "gpt"
    found = {each["name"]: (each["start"], each["size"]) for each in table["partitions"]}
    starts = layout.starts()
    assert found == {p.name: (starts[p.name], p.sectors) for p in layout.PARTITIONS}
    # U-Boot looks for a script where this mark is.
    marked = [each["name"] for each in table["partitions"] if each.get("attrs")]
    assert marked == ["luna-boot"]
    assert "no errors" in tool("sfdisk", "--verify", rock).lower()


def test_the_boot_partition_has_the_boards_script(rock: Path) -> None:
    where = f"{rock}@@{layout.starts()['luna-boot'] * 512}"
    script = tool("mtype", "-i", where, "::boot.scr")
    assert "rockchip" not in script  # the tree is beside the kernel, under one name
    assert "load ${luna_from} ${fdt_addr_r} /boot/board.dtb" in script
    assert "console=tty1 console=ttyFIQ0,1500000 console=ttyS2,1500000" in script
    assert "@" not in script.partition("setenv")[2]
    assert tool("mtype", "-i", where, "::README.txt") == "a note\n"


def test_the_counters_are_those_of_a_fresh_card(rock: Path) -> None:
    found = read(rock, layout.starts()["luna-bootstate"], boot.COUNTERS_BYTES)
    assert found == boot.counters(boot.FRESH)
    assert b"BOOT_ORDER=A\0" in found


def test_the_first_slot_has_the_system_and_the_second_nothing(rock: Path, tmp_path: Path) -> None:
    starts = layout.starts()
    size = (rock.parent / "slot.img").stat().st_size
    (tmp_path / "slot.img").write_bytes(read(rock, starts["luna-root-a"], size))
    shown = tool("debugfs", "-R", "cat /boot/vmlinuz", tmp_path / "slot.img")
    assert shown == "vmlinuz" * 1000
    assert not any(read(rock, starts["luna-root-b"], 4 * layout.MIB))


def test_the_data_partition_is_empty_and_may_grow(rock: Path, tmp_path: Path) -> None:
    starts = layout.starts()
    data = tmp_path / "data.img"
    data.write_bytes(read(rock, starts["luna-data"], layout.DATA.sectors * 512))
    tool("e2fsck", "-fn", data)
    with data.open("r+b") as opened:
        opened.truncate(64 << 30)
    tool("resize2fs", data)
    tool("e2fsck", "-fn", data)


def test_two_builds_are_the_same_to_the_bit(rock: Path, tmp_path: Path) -> None:
    assert content(build(ROCK, tmp_path / "again")) == content(rock)


def test_a_slot_has_no_time_of_its_building(tmp_path: Path) -> None:
    root = small_root(tmp_path)
    for number in range(3000):  # with few files the superblock is not written a second time
        (root / f"{number}").write_bytes(b"x" * number)
    made = tmp_path / "slot.img"
    slot.build(root, EPOCH, made)
    with made.open("rb") as opened:
        opened.seek(1024 + 0x2C)
        mounted, written = struct.unpack("<II", opened.read(8))
    assert (mounted, written) == (0, EPOCH)


def test_a_loader_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    made = tmp_path / "slot.img"
    slot.build(small_root(tmp_path), EPOCH, made)
    files = vendor_files(ROCK, tmp_path / "vendor")
    with files["idbloader.img"].open("r+b") as opened:
        opened.truncate(16384 * 512)
    with pytest.raises(BuildError, match=r"idbloader\.img has .* there is room for 8355840"):
        disk.build(ROCK, files, made, "", EPOCH, tmp_path / "card.img")


def test_a_system_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    root = small_root(tmp_path)
    with (root / "big").open("wb") as opened:
        opened.truncate(layout.ROOT_A.sectors * 512)
    with pytest.raises(BuildError, match="a slot has 1280"):
        slot.build(root, EPOCH, tmp_path / "slot.img")

"""Where everything lies on the card: partitions, their names and fixed ids, as a script of sfdisk.

Everything that a rebuilt image must repeat bit for bit is a constant or derived from one.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid5

SECTOR = 512
MIB = 1024 * 1024

# The first 16 MiB belong to the RK3588's loader: sectors 64 (first stage) and 16384 (U-Boot).
FIRST_PARTITION_SECTOR = 16 * MIB // SECTOR

_LUNA = UUID("7c0e9f4e-2f0b-4e0f-9d8e-5c1d3a6b7e21")
_LINUX = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
# Microsoft's basic data: what makes Windows and macOS show the boot partition to its owner.
_BASIC_DATA = "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"
# Of its own, so that systemd-repart grows this partition and no other.
DATA_TYPE = str(uuid5(_LUNA, "type of the data partition")).upper()


def fixed_uuid(noun: str) -> str:
    """An id that is the same in every build."""
    return str(uuid5(_LUNA, noun))


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition; `name` is its GPT label, by which everything finds it."""

    name: str
    mib: int
    type: str
    bootable: bool = False

    def line(self, start: int) -> str:
        """What sfdisk reads."""
        words = [
            f"start={start}",
            f"size={self.sectors}",
            f"type={self.type}",
            f"uuid={fixed_uuid(f'partition {self.name}')}",
            f"name={self.name}",
        ]
        return ", ".join([*words, "attrs=LegacyBIOSBootable"] if self.bootable else words)

    @property
    def sectors(self) -> int:
        """Size in sectors."""
        return self.mib * MIB // SECTOR


BOOT = Partition("luna-boot", 48, _BASIC_DATA, bootable=True)
BOOTSTATE = Partition("luna-bootstate", 1, _LINUX)
ROOT_A = Partition("luna-root-a", 1280, _LINUX)
ROOT_B = Partition("luna-root-b", 1280, _LINUX)
# Grows to the end of the card at the first boot.
DATA = Partition("luna-data", 256, DATA_TYPE)
PARTITIONS = (BOOT, BOOTSTATE, ROOT_A, ROOT_B, DATA)
# Room for the second table of GPT, and a round size.
_TAIL_SECTORS = MIB // SECTOR


def starts() -> dict[str, int]:
    """First sector of each partition, by name."""
    found: dict[str, int] = {}
    sector = FIRST_PARTITION_SECTOR
    for partition in PARTITIONS:
        found[partition.name] = sector
        sector += partition.sectors
    return found


def disk_bytes() -> int:
    """Size of the whole image."""
    last = PARTITIONS[-1]
    return (starts()[last.name] + last.sectors + _TAIL_SECTORS) * SECTOR


def script() -> str:
    """The partition table, for sfdisk; sector 64 and what follows stays free for the loader."""
    head = ["label: gpt", f"label-id: {fixed_uuid('disk')}", "first-lba: 64"]
    first = starts()
    return "\n".join([*head, *(p.line(first[p.name]) for p in PARTITIONS)]) + "\n"

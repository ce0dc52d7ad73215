"""Graphics processors, as the kernel shows them: those of boards, and those of PCs.

Boards have theirs among the devices with scaled clocks (Documentation/ABI/testing/
sysfs-class-devfreq), PCs among the cards of the direct rendering manager.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_VENDORS = {"0x1002": "AMD", "0x10de": "NVIDIA", "0x8086": "Intel", "0x1af4": "Virtio"}
_CARD = re.compile(r"card\d+")  # not its connectors, card0-HDMI-A-1
_LOAD = re.compile(r"(\d+)(?:@\d+Hz)?\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Gpu:
    """A graphics processor; figures that its driver does not give are None.

    A board's has no memory of its own, it uses the machine's.
    """

    name: str
    driver: str
    total_bytes: int | None = None
    free_bytes: int | None = None
    busy_percent: float | None = None
    frequency_hz: int | None = None


def read_gpus(root: Path = Path("/")) -> tuple[Gpu, ...]:
    """Every graphics processor there is; none on many servers. Never raises."""
    boards = tuple(_of_board(folder) for folder in sorted(root.glob("sys/class/devfreq/*.gpu")))
    return boards or tuple(_of_cards(root / "sys/class/drm"))


def parse_load(text: str) -> float | None:
    """`12@300000000Hz`, or only `12`: percent."""
    found = _LOAD.fullmatch(text)
    return min(100.0, float(found[1])) if found else None


def _of_board(folder: Path) -> Gpu:
    compatible = _text(folder / "device/of_node/compatible").split("\0")[0]
    return Gpu(
        name=compatible or folder.name,
        driver=_driver(folder / "device"),
        busy_percent=parse_load(_text(folder / "load")),
        frequency_hz=_number(folder / "cur_freq"),
    )


def _of_cards(folder: Path) -> Iterator[Gpu]:
    for card in sorted(folder.glob("card*")):
        device = card / "device"
        vendor = _text(device / "vendor").strip()
        if not _CARD.fullmatch(card.name) or not vendor:
            continue  # no PCI device: a board's display, which draws nothing by itself
        total = _number(device / "mem_info_vram_total")
        used = _number(device / "mem_info_vram_used")
        yield Gpu(
            name=f"{_VENDORS.get(vendor, vendor)} {_text(device / 'device')}".strip(),
            driver=_driver(device),
            total_bytes=total,
            free_bytes=None if total is None or used is None else max(0, total - used),
            busy_percent=parse_load(_text(device / "gpu_busy_percent")),
        )


def _driver(device: Path) -> str:
    try:
        return (device / "driver").readlink().name
    except OSError:
        return ""


def _number(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isascii() and text.isdecimal() else None


def _text(path: Path) -> str:
    """The file's text; what is not there or may not be read is empty."""
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""

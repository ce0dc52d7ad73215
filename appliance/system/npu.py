"""The NPU of Rockchip boards: how busy its cores are, read without waking it.

Formats are those of the vendor's driver, rknpu 0.9.8. Its files `freq` and `volt` power the NPU
up and may block, so nothing here opens them; devfreq's `cur_freq` is a cached value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import ReadingUnavailable

# The same files; /proc has them only in kernels with CONFIG_ROCKCHIP_RKNPU_PROC_FS.
_FOLDERS = ("proc/rknpu", "sys/kernel/debug/rknpu")
_CORE = re.compile(r"\bCore(\d+):\s*(\d+)\s*%", re.ASCII)
_WHOLE = re.compile(r"\bload:\s*(\d+)\s*%", re.ASCII)
_VERSION = re.compile(r"\bv?(\d+(?:\.\d+)+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class NpuReading:
    """Busy share of each core in the last full second, 0 to 100, and their mean."""

    cores_percent: tuple[float, ...]
    average_percent: float
    driver_version: str | None
    frequency_hz: int | None


class NpuUnavailable(ReadingUnavailable):
    """There is no NPU reading; `reason` says why, `remedy` what to do about it."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"{reason} {remedy}")
        self.reason = reason
        self.remedy = remedy


def read_npu(root: Path = Path("/")) -> NpuReading:
    """Load, driver version and clock of the NPU. Raises NpuUnavailable."""
    folder, load = _read_load(root)
    try:
        cores = parse_npu_load(load)
    except ValueError as error:
        raise NpuUnavailable(
            f"The NPU driver reports its load in an unknown form ({load.strip()[:80]!r}).",
            "Use a vendor kernel with driver rknpu 0.9.8.",
        ) from error
    return NpuReading(
        cores_percent=cores,
        average_percent=sum(cores) / len(cores),
        driver_version=parse_driver_version(_text(folder / "version")),
        frequency_hz=_frequency(root),
    )


def parse_npu_load(text: str) -> tuple[float, ...]:
    """Percent of each core of a `load` file, in the order of their numbers. Raises ValueError.

    Several cores: `NPU load:  Core0: 63%, Core1: 65%,`; a single one: `NPU load:  0%`. Drivers
    before 0.9.8 can print 429496%; nothing is busier than 100 %.
    """
    cores = {int(number): percent for number, percent in _CORE.findall(text)}
    figures = [cores[number] for number in sorted(cores)] or _WHOLE.findall(text)[:1]
    if not figures:
        raise ValueError("no load in it")
    return tuple(min(100.0, float(figure)) for figure in figures)


def parse_driver_version(text: str) -> str | None:
    """`RKNPU driver: v0.9.8` gives 0.9.8."""
    found = _VERSION.search(text)
    return found[1] if found else None


def _read_load(root: Path) -> tuple[Path, str]:
    """The folder of the driver's files and the text of its load."""
    denied = False
    for name in _FOLDERS:
        try:
            return root / name, (root / name / "load").read_text("utf-8", "replace")
        except PermissionError:
            denied = True
        except OSError:
            continue
    raise _diagnose(root, denied=denied)


def _diagnose(root: Path, *, denied: bool) -> NpuUnavailable:
    if _npu_nodes(root, "drivers/rocket"):
        return NpuUnavailable(
            "The NPU is driven by the mainline driver rocket, which RKLLM cannot use.",
            "Boot a vendor kernel with driver rknpu 0.9.8 to run models on the NPU.",
        )
    if _npu_nodes(root, "drivers/RKNPU") and denied:
        return NpuUnavailable(
            "The load of the NPU is in debugfs, which this user may not read.",
            "Let its group in with `mount -o remount,gid=GROUP,mode=750 /sys/kernel/debug`.",
        )
    if _npu_nodes(root, "drivers/RKNPU"):
        return NpuUnavailable(
            "The NPU driver is loaded, but its load file is not there.",
            "Mount debugfs with `mount -t debugfs none /sys/kernel/debug`.",
        )
    if _npu_nodes(root, "devices"):
        return NpuUnavailable(
            "There is an NPU, but the kernel has no driver for it.",
            "Boot a vendor kernel with driver rknpu 0.9.8.",
        )
    return NpuUnavailable(
        "This machine has no NPU that Luna knows.",
        "Models run on the CPU; for the NPU, use an RK3588 board.",
    )


def _npu_nodes(root: Path, folder: str) -> bool:
    """Whether a platform device like `fdab0000.npu` stands in that folder of its bus."""
    return any((root / "sys/bus/platform" / folder).glob("*.npu"))


def _frequency(root: Path) -> int | None:
    for folder in sorted((root / "sys/class/devfreq").glob("*.npu")):
        if (number := _text(folder / "cur_freq").strip()).isdecimal():
            return int(number)
    return None


def _text(path: Path) -> str:
    """The file's text; what is not there or may not be read is empty."""
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""

"""The kernel's files of an RK3588 board, in the words of its driver, below a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_OPPS = "300000000 400000000 500000000 600000000 700000000 800000000 900000000 1000000000\n"
_PRESSURE = "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10={} avg60=0.00 total=0\n"


@dataclass(frozen=True, slots=True)
class Board:
    """Files that a test changes as the kernel would."""

    root: Path

    def __post_init__(self) -> None:
        self.load(0, 0, 0)
        self.put("sys/kernel/debug/rknpu/version", "RKNPU driver: v0.9.8\n")
        self.put("sys/kernel/debug/rknpu/reset", "on\n")
        self.put("sys/kernel/debug/rknpu/power", "on\n")
        self.put("sys/class/devfreq/fdab0000.npu/available_frequencies", _OPPS)
        self.put("sys/class/devfreq/fdab0000.npu/cur_freq", "1000000000\n")
        self.put("sys/class/devfreq/fdab0000.npu/max_freq", "1000000000\n")
        self.put("dev/dri/by-path/platform-fdab0000.npu-render", "")
        self.put("dev/kmsg", "6,1,1000,-;[drm] Initialized rknpu 0.9.8 20240828 on minor 1\n")
        self.put("proc/sys/kernel/random/boot_id", "0b3c5a52-7f0e-4c63-9b9b-1c1a5b0d9d11\n")
        self.put("proc/pressure/memory", _PRESSURE.format("0.00"))
        self.interrupts(100)
        self.warm(45.5)

    def put(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def load(self, *percent: int) -> None:
        cores = ", ".join(f"Core{core}: {each:2d}%" for core, each in enumerate(percent))
        self.put("sys/kernel/debug/rknpu/load", f"NPU load:  {cores},\n")

    def interrupts(self, count: int) -> None:
        line = f" 37:  {count}  0  0  0  GICv3 142 Level  fdab9000.iommu, fdab0000.npu\n"
        self.put("proc/interrupts", f"      CPU0  CPU1  CPU2  CPU3\n{line}")

    def warm(self, celsius: float) -> None:
        for number, zone in enumerate(("soc-thermal", "gpu-thermal", "npu-thermal")):
            self.put(f"sys/class/thermal/thermal_zone{number}/type", f"{zone}\n")
            self.put(f"sys/class/thermal/thermal_zone{number}/temp", f"{celsius * 1000:.0f}\n")

    def say(self, text: str) -> None:
        """A line of the driver in the kernel's log."""
        with (self.root / "dev/kmsg").open("a", encoding="utf-8") as file:
            file.write(f"4,2,2000000,-;RKNPU fdab0000.npu: RKNPU: {text}\n")

    def press(self, percent: float) -> None:
        self.put("proc/pressure/memory", _PRESSURE.format(f"{percent:.2f}"))

    def limit(self) -> int:
        """The clock that the NPU may reach, in MHz."""
        text = (self.root / "sys/class/devfreq/fdab0000.npu/max_freq").read_text()
        return int(text) // 1_000_000

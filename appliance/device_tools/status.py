"""How the device is doing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from appliance.errors import ReadingUnavailable
from appliance.system.board import read_board, read_temperatures, uptime_seconds
from appliance.system.cpu import CpuMeter
from appliance.system.memory import read_memory
from appliance.system.npu import NpuUnavailable, read_npu

_SAMPLE_SECONDS = 0.25


def get_device_status() -> str:
    """Get how this device is doing: running time, memory, processor load, temperature and NPU."""
    return _report(Path("/"))


def _report(root: Path) -> str:
    name = read_board(root).model or "This device"
    try:
        running = _span(uptime_seconds(root / "proc"))
        loads = [_memory(root), _cpu(root), *_temperature(root)]
    except ReadingUnavailable as error:
        return error.message
    listed = f"{', '.join(loads[:-1])} and {loads[-1]}"
    return f"{name} has been running for {running}: {listed}. {_npu(root)}"


def _memory(root: Path) -> str:
    memory = read_memory(root / "proc")
    return f"{memory.used_percent:.0f}% of {memory.total_bytes / 1e9:.1f} GB memory is in use"


def _cpu(root: Path) -> str:
    meter = CpuMeter(root / "proc")
    meter.percent()
    time.sleep(_SAMPLE_SECONDS)
    return f"the CPU is {meter.percent():.0f}% busy"


def _temperature(root: Path) -> Iterator[str]:
    readings = read_temperatures(root / "sys")
    if readings:
        yield f"the warmest sensor shows {max(each.celsius for each in readings):.0f} °C"


def _npu(root: Path) -> str:
    try:
        return f"The NPU is {read_npu(root).average_percent:.0f}% busy."
    except NpuUnavailable as error:
        return error.reason


def _span(seconds: float) -> str:
    """The two largest units: "3 days and 4 hours"."""
    minutes = int(seconds // 60)
    amounts = ((minutes // 1440, "day"), (minutes // 60 % 24, "hour"), (minutes % 60, "minute"))
    parts = [f"{count} {unit}{'s' * (count != 1)}" for count, unit in amounts if count]
    return " and ".join(parts[:2]) or "less than a minute"

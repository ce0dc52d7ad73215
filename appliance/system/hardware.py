"""What this machine is made of and how it is doing, in one look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from appliance.errors import ReadingUnavailable
from appliance.system.board import Board, Temperature, read_board, read_temperatures
from appliance.system.cpu import CpuModel, read_cpu_model
from appliance.system.disk import Disk, read_disk
from appliance.system.gpu import Gpu, read_gpus
from appliance.system.memory import Memory, read_memory
from appliance.system.npu import NpuReading, NpuUnavailable, read_npu

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Hardware:
    """What cannot be read is None; `npu` is then why there is none. `cpu_percent` is its load."""

    board: Board
    cpu: CpuModel | None
    cpu_percent: float | None
    memory: Memory | None
    disk: Disk | None
    npu: NpuReading | NpuUnavailable
    gpus: tuple[Gpu, ...]
    temperatures: tuple[Temperature, ...]


def read_hardware(
    models: Path, cpu_percent: Callable[[], float], root: Path = Path("/")
) -> Hardware:
    """Look at everything; `models` is the folder whose disk counts. Never raises."""
    proc, sys = root / "proc", root / "sys"
    return Hardware(
        board=read_board(root),
        cpu=_read(lambda: read_cpu_model(proc, sys)),
        cpu_percent=_read(cpu_percent),
        memory=_read(lambda: read_memory(proc)),
        disk=_read(lambda: read_disk(models)),
        npu=_npu(root),
        gpus=read_gpus(root),
        temperatures=read_temperatures(sys),
    )


def _npu(root: Path) -> NpuReading | NpuUnavailable:
    try:
        return read_npu(root)
    except NpuUnavailable as error:
        return error


def _read(reading: Callable[[], _T]) -> _T | None:
    try:
        return reading()
    except ReadingUnavailable:
        return None

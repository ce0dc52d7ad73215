"""GET /api/hardware: what the device is made of, and which models fit it.

Wingman's own server told the memory of the GPU and of the machine in megabytes (2^20 bytes); all
else is ours. A figure of 0 in those two is a memory that is not there, or cannot be read.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from appliance.domain import model_size
from appliance.domain.model_size import MIB
from appliance.http.exchange import Reply, Request, json_reply
from appliance.http.routes import Operation, Route
from appliance.system.gpu import Gpu
from appliance.system.hardware import Hardware
from appliance.system.memory import Memory
from appliance.system.npu import NpuReading, NpuUnavailable


class GpuBody(Struct, frozen=True):
    """The first graphics processor; a board's uses the machine's memory."""

    totalMemoryMB: int = 0
    freeMemoryMB: int = 0
    name: str | None = None
    driver: str | None = None
    loadPercent: float | None = None
    frequencyHz: int | None = None


class CpuBody(Struct, frozen=True):
    """The processor, and the machine's memory; `bigCores` is empty where all are alike."""

    totalMemoryMB: int
    freeMemoryMB: int
    loadPercent: float | None
    name: str = ""
    cores: int = 0
    bigCores: list[int] = []
    missingFeatures: list[str] = []


class NpuBody(Struct, frozen=True):
    """The NPU, or in `reason` why there is none to use."""

    available: bool
    reason: str | None = None
    cores: int = 0
    loadPercent: list[float] = []
    driver: str | None = None
    frequencyHz: int | None = None


class DiskBody(Struct, frozen=True):
    """The disk that holds the models."""

    totalMB: int
    freeMB: int


class TemperatureBody(Struct, frozen=True):
    """One sensor."""

    zone: str
    celsius: float


class BoardBody(Struct, frozen=True):
    """The board, named by its device tree; null on a PC."""

    model: str | None
    compatible: list[str]
    system: str
    hostname: str


class RecommendedBody(Struct, frozen=True):
    """The largest model file for this memory, and its parameters when quantised to four bits."""

    modelSizeMB: int
    parameters: int


class HardwareBody(Struct, frozen=True):
    """What the device is made of."""

    gpu: GpuBody
    cpu: CpuBody
    npu: NpuBody
    disk: DiskBody | None
    temperatures: list[TemperatureBody]
    board: BoardBody
    recommended: RecommendedBody


def hardware_body(found: Hardware) -> HardwareBody:
    """The answer."""
    board, disk = found.board, found.disk
    return HardwareBody(
        gpu=_gpu(found.gpus[0]) if found.gpus else GpuBody(),
        cpu=_cpu(found),
        npu=_npu(found.npu),
        disk=None if disk is None else DiskBody(disk.total_bytes // MIB, disk.free_bytes // MIB),
        temperatures=[TemperatureBody(each.zone, each.celsius) for each in found.temperatures],
        board=BoardBody(board.model, list(board.compatible), board.system, board.hostname),
        recommended=_recommended(found.memory),
    )


def routes(look: Callable[[], Hardware]) -> tuple[Route, ...]:
    """The table: one answer under both of its names."""
    operation = Operation(
        "What the device is made of, and which models fit it", "Wingman", answer=HardwareBody
    )

    def hardware(request: Request) -> Reply:
        return json_reply(hardware_body(look()))

    return (
        Route("GET", "/api/hardware", hardware, operation),
        Route("GET", "/api/hardwareinfo", hardware, operation),
    )


def _gpu(gpu: Gpu) -> GpuBody:
    return GpuBody(
        totalMemoryMB=(gpu.total_bytes or 0) // MIB,
        freeMemoryMB=(gpu.free_bytes or 0) // MIB,
        name=gpu.name,
        driver=gpu.driver,
        loadPercent=gpu.busy_percent,
        frequencyHz=gpu.frequency_hz,
    )


def _cpu(found: Hardware) -> CpuBody:
    memory = found.memory or Memory(0, 0)
    total, free = memory.total_bytes // MIB, memory.available_bytes // MIB
    percent = None if found.cpu_percent is None else round(found.cpu_percent, 1)
    if found.cpu is None:
        return CpuBody(total, free, percent)
    cpu = found.cpu
    missing = list(cpu.missing_features)
    return CpuBody(total, free, percent, cpu.name, cpu.cores, list(cpu.big_cores), missing)


def _npu(found: NpuReading | NpuUnavailable) -> NpuBody:
    if isinstance(found, NpuUnavailable):
        return NpuBody(False, found.message)
    load = list(found.cores_percent)
    return NpuBody(True, None, len(load), load, found.driver_version, found.frequency_hz)


def _recommended(memory: Memory | None) -> RecommendedBody:
    size = model_size.recommended_bytes(memory.total_bytes) if memory else 0
    return RecommendedBody(size // MIB, model_size.parameters(size))

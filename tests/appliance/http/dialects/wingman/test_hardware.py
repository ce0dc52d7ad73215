from __future__ import annotations

from dataclasses import replace

from appliance.http.dialects.wingman.hardware import hardware_body
from appliance.system.board import Board, Temperature
from appliance.system.cpu import CpuModel
from appliance.system.disk import Disk
from appliance.system.gpu import Gpu
from appliance.system.hardware import Hardware
from appliance.system.memory import Memory
from appliance.system.npu import NpuReading, NpuUnavailable

GIB = 2**30
BOARD = Hardware(
    board=Board("Orange Pi 5", ("xunlong,orangepi-5", "rockchip,rk3588s"), "Debian", "luna-1f3a"),
    cpu=CpuModel("4x Cortex-A55, 4x Cortex-A76", 8, frozenset({"asimd"}), (4, 5, 6, 7)),
    cpu_percent=12.34,
    memory=Memory(8 * GIB, 6 * GIB),
    disk=Disk(64 * GIB, 32 * GIB),
    npu=NpuReading((50.0, 0.0, 10.0), 20.0, "0.9.8", 1_000_000_000),
    gpus=(Gpu("arm,mali-bifrost", "mali", busy_percent=3.0, frequency_hz=300_000_000),),
    temperatures=(Temperature("npu-thermal", 45.0),),
)
NO_NPU = NpuUnavailable("There is none.", "Buy one.")
NOTHING = Hardware(Board(None, (), "Linux", ""), None, None, None, None, NO_NPU, (), ())


def test_a_board() -> None:
    body = hardware_body(BOARD)
    assert (body.cpu.totalMemoryMB, body.cpu.freeMemoryMB) == (8192, 6144)
    assert (body.cpu.cores, body.cpu.bigCores, body.cpu.loadPercent) == (8, [4, 5, 6, 7], 12.3)
    assert body.cpu.missingFeatures == []
    assert (body.gpu.name, body.gpu.totalMemoryMB, body.gpu.loadPercent) == (
        "arm,mali-bifrost",
        0,
        3.0,
    )
    assert (body.npu.available, body.npu.cores, body.npu.driver) == (True, 3, "0.9.8")
    assert body.npu.loadPercent == [50.0, 0.0, 10.0]
    assert body.board.model == "Orange Pi 5"
    assert body.board.compatible[-1] == "rockchip,rk3588s"
    assert body.disk is not None
    assert body.disk.freeMB == 32 * 1024
    assert [(each.zone, each.celsius) for each in body.temperatures] == [("npu-thermal", 45.0)]
    assert 4500 < body.recommended.modelSizeMB < 5632
    assert body.recommended.parameters > 7_000_000_000


def test_a_machine_that_tells_nothing() -> None:
    body = hardware_body(NOTHING)
    assert (body.gpu.totalMemoryMB, body.gpu.name) == (0, None)
    assert (body.cpu.totalMemoryMB, body.cpu.name, body.cpu.loadPercent) == (0, "", None)
    assert (body.npu.available, body.npu.reason) == (False, "There is none. Buy one.")
    assert body.disk is None
    assert (body.recommended.modelSizeMB, body.recommended.parameters) == (0, 0)


def test_memory_of_a_graphics_card() -> None:
    card = Gpu("AMD 0x73bf", "amdgpu", 16 * GIB, 15 * GIB)
    body = hardware_body(replace(BOARD, gpus=(card,)))
    assert (body.gpu.totalMemoryMB, body.gpu.freeMemoryMB) == (16384, 15360)

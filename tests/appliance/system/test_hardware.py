from __future__ import annotations

from pathlib import Path

from appliance.errors import ReadingUnavailable
from appliance.system.hardware import read_hardware
from appliance.system.npu import NpuReading, NpuUnavailable


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def unknown() -> float:
    raise ReadingUnavailable("It cannot be read.")


def test_a_board(tmp_path: Path) -> None:
    write(tmp_path / "proc/device-tree/model", "Orange Pi 5\0")
    write(tmp_path / "proc/meminfo", "MemTotal: 8000 kB\nMemAvailable: 6000 kB\n")
    write(tmp_path / "proc/cpuinfo", "processor : 0\nCPU part : 0xd05\nFeatures : asimd\n")
    write(tmp_path / "proc/rknpu/load", "NPU load:  Core0: 63%, Core1: 65%,\n")
    write(tmp_path / "sys/class/thermal/thermal_zone0/type", "npu-thermal\n")
    write(tmp_path / "sys/class/thermal/thermal_zone0/temp", "45000\n")
    write(tmp_path / "sys/class/devfreq/fb000000.gpu/load", "5@1Hz\n")
    found = read_hardware(tmp_path, lambda: 12.5, tmp_path)
    assert found.board.model == "Orange Pi 5"
    assert found.memory is not None
    assert found.memory.total_bytes == 8000 * 1024
    assert found.cpu is not None
    assert found.cpu.cores == 1
    assert found.cpu_percent == 12.5
    assert isinstance(found.npu, NpuReading)
    assert found.npu.cores_percent == (63.0, 65.0)
    assert [each.zone for each in found.temperatures] == ["npu-thermal"]
    assert found.gpus[0].busy_percent == 5.0
    assert found.disk is not None


def test_what_cannot_be_read_is_none(tmp_path: Path) -> None:
    found = read_hardware(tmp_path, unknown, tmp_path)
    assert (found.cpu, found.memory, found.cpu_percent) == (None, None, None)
    assert isinstance(found.npu, NpuUnavailable)
    assert (found.gpus, found.temperatures, found.board.model) == ((), (), None)

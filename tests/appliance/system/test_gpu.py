from __future__ import annotations

from pathlib import Path

import pytest

from appliance.system.gpu import Gpu, parse_load, read_gpus


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def driver(device: Path, name: str) -> None:
    device.mkdir(parents=True, exist_ok=True)
    (device / "driver").symlink_to(f"../../bus/drivers/{name}")


def test_the_mali_of_a_board(tmp_path: Path) -> None:
    folder = tmp_path / "sys/class/devfreq/fb000000.gpu"
    write(folder / "load", "12@300000000Hz\n")
    write(folder / "cur_freq", "300000000\n")
    write(folder / "device/of_node/compatible", "arm,mali-bifrost\0arm,mali\0")
    driver(folder / "device", "mali")
    write(tmp_path / "sys/class/drm/card0/device/uevent", "x")
    (gpu,) = read_gpus(tmp_path)
    assert gpu == Gpu("arm,mali-bifrost", "mali", busy_percent=12.0, frequency_hz=300000000)


def test_cards_of_a_pc(tmp_path: Path) -> None:
    amd = tmp_path / "sys/class/drm/card1/device"
    write(amd / "vendor", "0x1002\n")
    write(amd / "device", "0x73bf\n")
    write(amd / "mem_info_vram_total", "17163091968\n")
    write(amd / "mem_info_vram_used", "163091968\n")
    write(amd / "gpu_busy_percent", "3\n")
    driver(amd, "amdgpu")
    write(tmp_path / "sys/class/drm/card0/device/vendor", "0x8086\n")
    write(tmp_path / "sys/class/drm/card1-HDMI-A-1/device/vendor", "0x8086\n")
    write(tmp_path / "sys/class/drm/version", "drm")
    intel, radeon = read_gpus(tmp_path)
    assert intel == Gpu("Intel", "")
    assert radeon == Gpu("AMD 0x73bf", "amdgpu", 17163091968, 17000000000, 3.0)


def test_a_driver_that_says_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "sys/class/devfreq/gpu.gpu"
    write(folder / "load", "much\n")
    write(folder / "cur_freq", "-1\n")
    assert read_gpus(tmp_path) == (Gpu("gpu.gpu", ""),)


def test_none(tmp_path: Path) -> None:
    assert read_gpus(tmp_path) == ()


@pytest.mark.parametrize(
    ("text", "load"),
    [("12@300000000Hz\n", 12), ("7", 7), ("250@1Hz", 100), ("", None), ("-1", None), ("x", None)],
)
def test_loads(text: str, load: float | None) -> None:
    assert parse_load(text) == load

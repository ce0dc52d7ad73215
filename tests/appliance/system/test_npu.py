import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_mock import MockerFixture

from appliance.system.npu import (
    NpuReading,
    NpuUnavailable,
    parse_driver_version,
    parse_npu_load,
    read_npu,
)

RK3588 = "NPU load:  Core0: 63%, Core1: 65%, Core2: 64%,\n"
FOLDERS = ["sys/kernel/debug/rknpu", "proc/rknpu"]


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("text", "cores"),
    [
        (RK3588, (63, 65, 64)),
        ("NPU load:  Core0:  0%, Core1:  0%, Core2:  0%,\n", (0, 0, 0)),
        ("NPU load:  Core0:  7%, Core1: 100%,\n", (7, 100)),  # RK3583
        ("NPU load:  0%\n", (0,)),
        ("NPU load: 42%", (42,)),
        ("NPU load:  Core0: 429496%, Core1: 20000%, Core2:  1%,\n", (100, 100, 1)),
        ("NPU load:  Core2:  2%, Core0:  1%,\n", (1, 2)),
    ],
)
def test_loads_that_drivers_print(text: str, cores: tuple[float, ...]) -> None:
    assert parse_npu_load(text) == cores


@given(st.lists(st.integers(0, 2**32), min_size=1, max_size=8))
def test_every_core_is_read(loads: list[int]) -> None:
    text = "".join(f" Core{core}: {load:2d}%," for core, load in enumerate(loads))
    assert parse_npu_load(f"NPU load: {text}\n") == tuple(min(100, load) for load in loads)


@given(st.text() | st.text("NPU load:Core0123456789%, \n"))
def test_any_text_is_a_load_or_refused(text: str) -> None:
    try:
        cores = parse_npu_load(text)
    except ValueError:
        return
    assert cores
    assert all(0 <= core <= 100 for core in cores)


@given(st.lists(st.integers(0, 999), min_size=2, max_size=4))
def test_every_version_is_read(numbers: list[int]) -> None:
    version = ".".join(map(str, numbers))
    assert parse_driver_version(f"RKNPU driver: v{version}\n") == version


@pytest.mark.parametrize("folder", FOLDERS)
def test_reading_of_a_whole_board(tmp_path: Path, folder: str) -> None:
    put(tmp_path / folder / "load", RK3588)
    put(tmp_path / folder / "version", "RKNPU driver: v0.9.8\n")
    put(tmp_path / "sys/class/devfreq/dmc/cur_freq", "2112000000\n")
    put(tmp_path / "sys/class/devfreq/fdab0000.npu/cur_freq", "1000000000\n")
    assert read_npu(tmp_path) == NpuReading((63, 65, 64), 64.0, "0.9.8", 1_000_000_000)


def test_version_and_clock_may_be_unknown(tmp_path: Path) -> None:
    put(tmp_path / "proc/rknpu/load", "NPU load:  5%\n")
    assert read_npu(tmp_path) == NpuReading((5,), 5.0, None, None)


def test_files_that_wake_the_npu_are_never_opened(tmp_path: Path) -> None:
    put(tmp_path / FOLDERS[0] / "load", RK3588)
    for name in ("freq", "volt"):
        os.mkfifo(tmp_path / FOLDERS[0] / name)  # opening one of these would wait for ever
    assert read_npu(tmp_path).cores_percent == (63, 65, 64)


def unavailable(root: Path) -> NpuUnavailable:
    with pytest.raises(NpuUnavailable) as caught:
        read_npu(root)
    assert caught.value.message == f"{caught.value.reason} {caught.value.remedy}"
    return caught.value


def test_a_laptop_has_no_npu(tmp_path: Path) -> None:
    assert "no NPU" in unavailable(tmp_path).reason


def test_the_mainline_driver_is_named(tmp_path: Path) -> None:
    put(tmp_path / "sys/bus/platform/devices/fdab0000.npu/uevent", "")
    put(tmp_path / "sys/bus/platform/drivers/rocket/fdab0000.npu/uevent", "")
    error = unavailable(tmp_path)
    assert "rocket" in error.reason
    assert "vendor kernel" in error.remedy


def test_an_npu_without_a_driver(tmp_path: Path) -> None:
    put(tmp_path / "sys/bus/platform/devices/fdab0000.npu/uevent", "")
    assert "no driver" in unavailable(tmp_path).reason


def test_debugfs_that_is_not_mounted(tmp_path: Path) -> None:
    put(tmp_path / "sys/bus/platform/drivers/RKNPU/fdab0000.npu/uevent", "")
    assert "mount -t debugfs" in unavailable(tmp_path).remedy


@pytest.mark.parametrize(("driver", "reason"), [("RKNPU", "debugfs"), ("other", "no NPU")])
def test_debugfs_that_may_not_be_read(
    tmp_path: Path, mocker: MockerFixture, driver: str, reason: str
) -> None:
    put(tmp_path / f"sys/bus/platform/drivers/{driver}/fdab0000.npu/uevent", "")
    mocker.patch.object(Path, "read_text", side_effect=PermissionError(13, "Permission denied"))
    assert reason in unavailable(tmp_path).reason


def test_a_load_in_an_unknown_form(tmp_path: Path) -> None:
    put(tmp_path / "proc/rknpu/load", "busy\n")
    assert "'busy'" in unavailable(tmp_path).reason


def test_this_machine_answers_one_way_or_the_other() -> None:
    try:
        reading = read_npu()
    except NpuUnavailable:
        assert unavailable(Path("/")).reason.endswith(".")
    else:
        assert 0 <= reading.average_percent <= 100

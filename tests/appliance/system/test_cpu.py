import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import ReadingUnavailable
from appliance.system.cpu import (
    CpuMeter,
    CpuModel,
    CpuTimes,
    busy_percent,
    parse_cpu_times,
    parse_cpuinfo,
    read_big_cores,
    read_cpu_model,
)

PC = """\
processor\t: 0
model name\t: Some PC @ 3.00GHz
flags\t\t: fpu avx2 fma f16c bmi2

processor\t: 1
model name\t: Some PC @ 3.00GHz
flags\t\t: fpu avx2 fma f16c
"""
RK3588 = "\n".join(
    f"processor\t: {core}\nFeatures\t: fp asimd asimddp\nCPU implementer\t: 0x41\n"
    f"CPU part\t: {'0xd05' if core < 4 else '0xd0b'}\n"
    for core in range(8)
)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def write_stat(proc: Path, busy: int, idle: int) -> None:
    (proc / "stat").write_text(f"cpu  {busy} 0 0 {idle} 0 0 0 0 0 0\ncpu0 1 2 3 4\n")


def test_meter_reports_the_time_since_the_previous_reading(tmp_path: Path) -> None:
    clock = Clock()
    meter = CpuMeter(tmp_path, clock)
    write_stat(tmp_path, busy=10, idle=90)
    assert meter.percent() == 10.0
    write_stat(tmp_path, busy=40, idle=100)
    clock.now += 1
    assert meter.percent() == 75.0


def test_readings_too_close_together_repeat_the_last_figure(tmp_path: Path) -> None:
    clock = Clock()
    meter = CpuMeter(tmp_path, clock)
    write_stat(tmp_path, busy=10, idle=90)
    meter.percent()
    write_stat(tmp_path, busy=11, idle=90)
    clock.now += 0.01
    assert meter.percent() == 10.0
    clock.now += 0.2
    assert meter.percent() == 100.0


def test_meter_repeats_itself_when_the_counters_stand_still(tmp_path: Path) -> None:
    clock = Clock()
    meter = CpuMeter(tmp_path, clock)
    write_stat(tmp_path, busy=10, idle=90)
    meter.percent()
    clock.now += 5
    assert meter.percent() == 10.0


@pytest.mark.parametrize("content", [None, "", "cpu 1 2\n", "cpu a b c d\n", "intr 1 2 3 4 5\n"])
def test_meter_without_a_usable_file_says_what_is_needed(
    tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "stat").write_text(content)
    with pytest.raises(ReadingUnavailable, match="needs Linux"):
        CpuMeter(tmp_path).percent()


def test_meter_of_this_machine_is_shared_by_threads() -> None:
    meter = CpuMeter(shortest=0.0)
    readings: list[float] = []
    threads = [
        threading.Thread(target=lambda: readings.extend(meter.percent() for _ in range(50)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(readings) == 200
    assert all(0 <= reading <= 100 for reading in readings)


def test_meter_notices_that_this_machine_works() -> None:
    meter = CpuMeter()
    meter.percent()
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        pass
    assert meter.percent() > 0


def test_guest_time_is_not_counted_twice() -> None:
    assert parse_cpu_times("cpu  100 0 0 100 0 0 0 0 90 0\n") == CpuTimes(busy=100, total=200)


def test_waiting_for_the_disk_is_not_work() -> None:
    assert parse_cpu_times("cpu  10 10 10 30 40 0 0 0") == CpuTimes(busy=30, total=100)


ticks = st.integers(0, 2**64)
times = st.builds(CpuTimes, busy=ticks, total=ticks)


@given(times, times)
def test_percent_is_never_out_of_range(before: CpuTimes, after: CpuTimes) -> None:
    assert 0 <= busy_percent(before, after) <= 100


@given(st.lists(ticks, min_size=4, max_size=10))
def test_every_line_of_counters_is_read(counters: list[int]) -> None:
    found = parse_cpu_times("cpu  " + " ".join(map(str, counters)) + "\ncpu0 1 1 1 1")
    assert found.total == sum(counters[:8])
    assert found.total - found.busy == sum(counters[3:5])


@given(st.text())
def test_any_text_parses_or_is_refused(text: str) -> None:
    for parse in (parse_cpu_times, parse_cpuinfo):
        try:
            parse(text)
        except ValueError:
            continue


@given(st.text())
def test_any_features_are_found(text: str) -> None:
    model = parse_cpuinfo(f"processor: 0\nflags : {' '.join(text.split())} fpu\n")
    assert "fpu" in model.features


def test_features_are_those_of_every_core() -> None:
    model = parse_cpuinfo(PC)
    assert model.name == "Some PC @ 3.00GHz"
    assert model.cores == 2
    assert "f16c" in model.features
    assert model.missing_features == ("bmi2",)


def test_arm_cores_are_named_by_their_parts() -> None:
    model = parse_cpuinfo(RK3588)
    assert model.name == "4x Cortex-A55, 4x Cortex-A76"
    assert model.cores == 8
    assert "asimddp" in model.features
    assert model.missing_features == ()


def test_an_unknown_arm_core_keeps_its_number() -> None:
    assert parse_cpuinfo("processor: 0\nCPU part: 0xfff\n").name == "processor 0xfff"


@pytest.mark.parametrize("figure", ["cpu_capacity", "cpufreq/cpuinfo_max_freq"])
def test_big_cores_of_an_rk3588(tmp_path: Path, figure: str) -> None:
    strengths = {
        "cpu_capacity": [530] * 4 + [1024] * 4,
        "cpufreq/cpuinfo_max_freq": [1800000] * 4 + [2256000] * 2 + [2304000] * 2,
    }
    for core, strength in enumerate(strengths[figure]):
        path = tmp_path / f"devices/system/cpu/cpu{core}" / figure
        path.parent.mkdir(parents=True)
        path.write_text(f"{strength}\n")
    assert read_big_cores(tmp_path) == (4, 5, 6, 7)


def test_favoured_cores_of_a_pc_are_not_big(tmp_path: Path) -> None:
    for core, frequency in enumerate([5600000, 5600000, 5800000]):
        path = tmp_path / f"devices/system/cpu/cpu{core}/cpufreq/cpuinfo_max_freq"
        path.parent.mkdir(parents=True)
        path.write_text(f"{frequency}\n")
    assert read_big_cores(tmp_path) == ()


def test_no_figures_no_big_cores(tmp_path: Path) -> None:
    assert read_big_cores(tmp_path) == ()


def test_this_machine_has_a_processor() -> None:
    model = read_cpu_model()
    assert isinstance(model, CpuModel)
    assert model.name
    assert model.cores >= 1
    assert model.features
    assert set(model.big_cores) < set(range(1024))

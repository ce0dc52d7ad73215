from pathlib import Path

import pytest

from appliance.device_tools import status


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def laptop(tmp_path: Path) -> Path:
    put(tmp_path / "proc/uptime", "7380.12 1.0\n")
    put(tmp_path / "proc/meminfo", "MemTotal: 16000000 kB\nMemAvailable: 12000000 kB\n")
    put(tmp_path / "proc/stat", "cpu  12 0 0 88 0 0 0 0 0 0\n")
    return tmp_path


def test_a_laptop_is_honest_about_what_it_lacks(laptop: Path) -> None:
    assert status._report(laptop) == (
        "This device has been running for 2 hours and 3 minutes: 25% of 16.4 GB memory is in use "
        "and the CPU is 12% busy. This machine has no NPU that Luna knows."
    )


def test_a_board_tells_its_name_temperature_and_npu(laptop: Path) -> None:
    put(laptop / "proc/device-tree/model", "Radxa ROCK 5B\0")
    put(laptop / "proc/rknpu/load", "NPU load:  Core0: 60%, Core1: 30%, Core2:  0%,\n")
    for number, temperature in enumerate((47000, 51400)):
        put(laptop / f"sys/class/thermal/thermal_zone{number}/type", "soc-thermal\n")
        put(laptop / f"sys/class/thermal/thermal_zone{number}/temp", f"{temperature}\n")
    report = status._report(laptop)
    assert report.startswith("Radxa ROCK 5B has been running for ")
    assert "the warmest sensor shows 51 °C" in report
    assert report.endswith("The NPU is 30% busy.")


def test_a_machine_without_proc_says_so(tmp_path: Path) -> None:
    assert "needs Linux" in status._report(tmp_path)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "less than a minute"),
        (61, "1 minute"),
        (3600, "1 hour"),
        (2 * 86400 + 3600 + 60, "2 days and 1 hour"),
        (86400 + 120, "1 day and 2 minutes"),
    ],
)
def test_spans_are_said_in_their_two_largest_units(seconds: float, words: str) -> None:
    assert status._span(seconds) == words


def test_the_status_of_this_machine() -> None:
    said = status.get_device_status()
    assert "has been running for" in said
    assert "% busy" in said
    assert "NPU" in said

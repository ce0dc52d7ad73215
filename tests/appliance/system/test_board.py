from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import ReadingUnavailable
from appliance.system.board import (
    Board,
    Temperature,
    parse_os_release,
    parse_strings,
    parse_uptime,
    read_board,
    read_temperatures,
    uptime_seconds,
)

plain = st.text(st.characters(min_codepoint=33, exclude_categories=["Cs", "Z", "C"]), min_size=1)


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def zone(sys: Path, number: int, kind: str, temp: str | None) -> None:
    folder = sys / f"class/thermal/thermal_zone{number}"
    put(folder / "type", f"{kind}\n".encode())
    if temp is not None:
        put(folder / "temp", temp.encode())


def test_a_board_is_named_by_its_device_tree(tmp_path: Path) -> None:
    put(tmp_path / "proc/device-tree/model", b"Radxa ROCK 5B\0")
    put(tmp_path / "proc/device-tree/compatible", b"radxa,rock-5b\0rockchip,rk3588\0")
    put(tmp_path / "etc/os-release", b'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')
    put(tmp_path / "proc/sys/kernel/hostname", b"luna-1a2b\n")
    assert read_board(tmp_path) == Board(
        model="Radxa ROCK 5B",
        compatible=("radxa,rock-5b", "rockchip,rk3588"),
        system="Debian GNU/Linux 12 (bookworm)",
        hostname="luna-1a2b",
    )


def test_a_machine_that_tells_nothing_is_still_a_board(tmp_path: Path) -> None:
    assert read_board(tmp_path) == Board(None, (), "Linux", "")


@given(st.lists(plain))
def test_device_tree_strings_survive(strings: list[str]) -> None:
    assert parse_strings(b"".join(s.encode() + b"\0" for s in strings)) == tuple(strings)


@given(st.binary())
def test_any_bytes_are_device_tree_strings(data: bytes) -> None:
    assert all(text and "\0" not in text for text in parse_strings(data))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("PRETTY_NAME='Luna OS'", "Luna OS"),
        ("PRETTY_NAME=Arch", "Arch"),
        ('PRETTY_NAME="never closed', "Linux"),
        ('PRETTY_NAME=""', "Linux"),
        ("NAME=x", "Linux"),
    ],
)
def test_name_of_the_system(text: str, name: str) -> None:
    assert parse_os_release(text) == name


@given(st.text())
def test_any_system_has_a_name(text: str) -> None:
    assert parse_os_release(f"PRETTY_NAME={text}")


def test_temperatures_are_in_the_order_of_their_zones(tmp_path: Path) -> None:
    zone(tmp_path, 10, "npu-thermal", "48500\n")
    zone(tmp_path, 2, "soc-thermal", "51000\n")
    zone(tmp_path, 3, "soc-thermal", "-5000\n")
    assert read_temperatures(tmp_path) == (
        Temperature("soc-thermal", 51.0),
        Temperature("soc-thermal", -5.0),
        Temperature("npu-thermal", 48.5),
    )


@pytest.mark.parametrize("temp", [None, "", "hot", "-274000", "2147483647"])
def test_a_sensor_that_is_off_is_left_out(tmp_path: Path, temp: str | None) -> None:
    zone(tmp_path, 0, "soc-thermal", temp)
    assert read_temperatures(tmp_path) == ()


def test_uptime_of_this_machine_grows() -> None:
    assert 0 < uptime_seconds() <= uptime_seconds()


def test_uptime_needs_proc(tmp_path: Path) -> None:
    with pytest.raises(ReadingUnavailable, match="needs Linux"):
        uptime_seconds(tmp_path)


@given(st.text() | st.floats().map(str))
def test_an_uptime_is_a_span_or_refused(text: str) -> None:
    with suppress(ValueError):
        assert 0 <= parse_uptime(text) < float("inf")


def test_this_machine_has_a_name() -> None:
    board = read_board()
    assert board.system
    assert board.hostname
    assert all(-40 <= each.celsius <= 150 for each in read_temperatures())

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.system.rknpu import LeverStuck, Rknpu

NODE = "dev/dri/by-path/platform-fdab0000.npu-render"
CLOCKS = "sys/class/devfreq/fdab0000.npu"
OPPS = "300000000 400000000 500000000 600000000 700000000 800000000 900000000 1000000000\n"


class Ioctl:
    def __init__(self, error: OSError | None = None) -> None:
        self.asked: list[tuple[int, bytes]] = []
        self._error = error

    def __call__(self, descriptor: int, request: int, data: bytes) -> bytes:
        self.asked.append((request, data))
        if self._error is not None:
            raise self._error
        return data


def put(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_soft_reset_is_asked_for_through_the_render_node(tmp_path: Path) -> None:
    put(tmp_path / NODE)
    ioctl = Ioctl()
    Rknpu(tmp_path, ioctl).soft_reset()
    assert ioctl.asked == [(0xC0086440, struct.pack("=II", 6, 0))]


def test_without_a_node_nothing_can_be_reset(tmp_path: Path) -> None:
    npu = Rknpu(tmp_path, Ioctl())
    assert not npu.can_soft_reset()
    with pytest.raises(LeverStuck, match="render node"):
        npu.soft_reset()


def test_a_driver_that_refuses(tmp_path: Path) -> None:
    put(tmp_path / NODE)
    with pytest.raises(LeverStuck, match="Permission denied"):
        Rknpu(tmp_path, Ioctl(PermissionError(13, "Permission denied"))).soft_reset()


@pytest.mark.parametrize("folder", ["proc/rknpu", "sys/kernel/debug/rknpu"])
@pytest.mark.parametrize(
    ("reset", "power", "able"),
    [("on\n", "on\n", True), ("off\n", "on\n", False), ("on\n", "off\n", False), ("", "", True)],
)
def test_when_the_driver_obeys(
    tmp_path: Path, folder: str, reset: str, power: str, *, able: bool
) -> None:
    put(tmp_path / NODE)
    put(tmp_path / folder / "reset", reset)
    put(tmp_path / folder / "power", power)
    assert Rknpu(tmp_path).can_soft_reset() is able


def test_files_that_are_not_there_forbid_nothing(tmp_path: Path) -> None:
    put(tmp_path / NODE)
    assert Rknpu(tmp_path).can_soft_reset()


@pytest.mark.parametrize(
    ("share", "clock"), [(1, 1000), (0.8, 800), (0.75, 700), (0.3, 300), (0.1, 300)]
)
def test_the_clock_is_limited_to_one_that_exists(tmp_path: Path, share: float, clock: int) -> None:
    put(tmp_path / CLOCKS / "available_frequencies", OPPS)
    Rknpu(tmp_path).limit(share)
    assert int((tmp_path / CLOCKS / "max_freq").read_text()) == clock * 1_000_000


def test_without_clocks_nothing_is_limited(tmp_path: Path) -> None:
    assert Rknpu(tmp_path).frequencies() == ()
    with pytest.raises(LeverStuck, match="not known"):
        Rknpu(tmp_path).limit(0.5)


def test_a_limit_that_may_not_be_set(tmp_path: Path) -> None:
    put(tmp_path / CLOCKS / "available_frequencies", OPPS)
    (tmp_path / CLOCKS / "max_freq").mkdir()
    with pytest.raises(LeverStuck, match="max_freq"):
        Rknpu(tmp_path).limit(0.5)


@given(st.text())
def test_odd_clocks_are_left_out(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    root = tmp_path_factory.mktemp("sys")
    put(root / CLOCKS / "available_frequencies", "")
    (root / CLOCKS / "available_frequencies").write_bytes(text.encode("utf-8", "replace"))
    known = Rknpu(root).frequencies()
    assert list(known) == sorted(known)

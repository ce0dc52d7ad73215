"""The driver's version: from its files, or from the device."""

from __future__ import annotations

import errno
import struct
from pathlib import Path

import pytest

from appliance.engines.rkllm.driver import check_driver, read_driver_version
from appliance.engines.rkllm.failures import DriverRefused


def refusing(device: int, request: int, argument: bytes) -> bytes:
    raise OSError(errno.EINVAL, "no")


def answering(code: int, asked: list[tuple[int, bytes]] | None = None) -> object:
    def ioctl(device: int, request: int, argument: bytes) -> bytes:
        if asked is not None:
            asked.append((request, argument))
        return argument[:4] + struct.pack("=I", code)

    return ioctl


def node(root: Path) -> None:
    folder = root / "dev/dri/by-path"
    folder.mkdir(parents=True)
    (folder / "platform-fdab0000.npu-render").touch()


@pytest.mark.parametrize("folder", ["proc/rknpu", "sys/kernel/debug/rknpu"])
def test_a_file_tells(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "version").write_text("RKNPU driver: v0.9.8\n", "ascii")
    assert read_driver_version(tmp_path, refusing) == "0.9.8"


@pytest.mark.parametrize(("code", "version"), [(908, "0.9.8"), (10203, "1.2.3"), (0, "0.0.0")])
def test_the_device_tells(tmp_path: Path, code: int, version: str) -> None:
    node(tmp_path)
    asked: list[tuple[int, bytes]] = []
    assert read_driver_version(tmp_path, answering(code, asked)) == version  # type: ignore[arg-type]
    assert asked == [(0xC0086440, struct.pack("=II", 1, 0))]


def test_nobody_tells(tmp_path: Path) -> None:
    assert read_driver_version(tmp_path, refusing) is None
    node(tmp_path)
    assert read_driver_version(tmp_path, refusing) is None


@pytest.mark.parametrize("version", ["0.9.8", "0.9.10", "1.0.0", None])
def test_new_enough_or_not_known(version: str | None) -> None:
    check_driver(version)


@pytest.mark.parametrize("version", ["0.9.2", "0.9.7", "0.8.9"])
def test_too_old(version: str) -> None:
    with pytest.raises(DriverRefused, match=rf"driver {version} is too old: 0\.9\.8 is needed"):
        check_driver(version)

"""The rights that the watchdog's tmpfiles give, tried on a tree like a board's."""

from __future__ import annotations

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "systemd"


def test_the_hardware_watchdog_is_on() -> None:
    settings = configparser.ConfigParser()
    settings.read(FOLDER / "system.conf.d/luna.conf")
    assert settings["Manager"]["RuntimeWatchdogSec"] == "30s"


@pytest.mark.needs("root", "systemd-analyze")
def test_load_and_clock_of_the_npu_are_opened(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    for name in ("passwd", "group"):
        shutil.copy(f"/etc/{name}", tmp_path / "etc" / name)
    device = tmp_path / "sys/devices/platform/fdab0000.npu/devfreq/fdab0000.npu"
    device.mkdir(parents=True)
    (device / "max_freq").write_text("1000000000\n")
    (tmp_path / "sys/class/devfreq").mkdir(parents=True)
    link = tmp_path / "sys/class/devfreq/fdab0000.npu"
    link.symlink_to("../../devices/platform/fdab0000.npu/devfreq/fdab0000.npu")
    debug = tmp_path / "sys/kernel/debug"
    debug.mkdir(parents=True, mode=0o700)
    root = f"--root={tmp_path}"
    for command in (
        ["systemd-sysusers", root, str(FOLDER / "sysusers.d/luna.conf")],
        ["systemd-tmpfiles", "--create", root, str(FOLDER / "tmpfiles.d/luna-watchdog.conf")],
    ):
        subprocess.run(command, capture_output=True, text=True, check=True)
    groups = _ids(tmp_path / "etc/group")
    users = _ids(tmp_path / "etc/passwd")
    seen = debug.stat()
    assert (seen.st_mode & 0o777, seen.st_uid, seen.st_gid) == (0o710, 0, groups["luna"])
    clock = (device / "max_freq").stat()
    assert (clock.st_mode & 0o777, clock.st_uid) == (0o644, users["luna-watchdog"])


def _ids(file: Path) -> dict[str, int]:
    rows = (line.split(":") for line in file.read_text("utf-8").splitlines())
    return {row[0]: int(row[2]) for row in rows}

"""How a stick is mounted: the script is run with commands in place of those that need a stick."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "systemd/stick"
UNIT = SCRIPT.with_name("units") / "luna-import@.service"


class Machine:
    """`mount` and its like only write down how they were called."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.stick = folder / "stick"
        self.stick.mkdir()
        self.log = folder / "log"
        self.log.touch()
        commands = folder / "bin"
        commands.mkdir()
        for name in ("mount", "umount", "rmdir", "mkdir"):
            self._command(commands / name, f'echo "{name} $*" >> {self.log}')
        self._command(commands / "blkid", f"echo {kind}")
        self.mounts = folder / "mounts"
        self.mounts.touch()
        # What is in /run and /proc is not ours to write to.
        text = SCRIPT.read_text("utf-8").replace("/run/luna-import/$2", str(self.stick))
        self.script = folder / "script"
        self.script.write_text(text.replace("/proc/self/mounts", str(self.mounts)), "utf-8")
        self._path = f"{commands}:{os.environ['PATH']}"

    def _command(self, file: Path, line: str) -> None:
        file.write_text(f"#!/bin/sh\n{line}\n", "utf-8")
        file.chmod(0o755)

    def run(self, *words: str) -> list[str]:
        """The commands that were run; raises if the script fails."""
        environ = {**os.environ, "PATH": self._path}
        subprocess.run(["sh", self.script, *words], env=environ, check=True, capture_output=True)
        return self.log.read_text("utf-8").splitlines()


def test_it_is_mounted_read_only_for_the_servers_user(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "vfat")
    (line,) = [each for each in machine.run("mount", "sdz9") if each.startswith("mount")]
    assert "-o ro,nosuid,nodev,noexec,noatime,uid=luna,gid=luna" in line
    assert line.endswith(f"/dev/sdz9 {machine.stick}")


def test_it_can_be_written_to_only_where_passwords_have_to_go(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "ext4")
    (machine.stick / "LUNA-WIFI.TOML").touch()
    first, second = (each for each in machine.run("mount", "sdz9") if each.startswith("mount"))
    assert "-o ro,nosuid,nodev,noexec,noatime " in first
    assert "remount,rw,nosuid,nodev,noexec" in second


def test_a_disk_that_is_in_use_is_left_alone(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "vfat")
    machine.mounts.write_text("/dev/sdz1 /boot vfat ro 0 0\n")
    with pytest.raises(subprocess.CalledProcessError):
        machine.run("mount", "sdz1")
    assert machine.log.read_text() == ""
    assert machine.run("mount", "sdz"), "another one may"


def test_foreign_file_systems_are_not_mounted(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "crypto_LUKS")
    with pytest.raises(subprocess.CalledProcessError):
        machine.run("mount", "sdz9")
    assert machine.log.read_text() == ""


def test_it_is_let_go_of(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "vfat")
    assert machine.run("unmount", "sdz9") == [
        f"umount --lazy {machine.stick}",
        f"rmdir {machine.stick}",
    ]


def test_the_unit_mounts_it_where_all_of_its_commands_and_rauc_see_it() -> None:
    lines = UNIT.read_text("utf-8").splitlines()
    mounting = [line.partition("=")[2] for line in lines if "/usr/lib/luna/stick" in line]
    assert mounting == [
        "+/usr/bin/nsenter --target 1 --mount /usr/lib/luna/stick mount %i",
        "+/usr/bin/nsenter --target 1 --mount /usr/lib/luna/stick unmount %i",
    ]
    assert "DeviceAllow=/dev/%i rw" in lines, "PrivateDevices= holds for root's commands, too"
    # What restarts the device comes last.
    (*_, last) = [line for line in lines if line.startswith("ExecStart=")]
    assert " update --stick " in last

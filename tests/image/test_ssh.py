"""Logins by key: what the service makes of the owner's file, and how tight its unit is."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from image.builder.firmware import OVERLAY

SCRIPT = OVERLAY / "usr/lib/luna/ssh-keys"
UNIT = OVERLAY / "usr/lib/systemd/system/luna-ssh.service"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAMbAfWeXBVdpgEYFd34MxAIJPgwnInymdq5ZTs6QOUh me"


class Desk:
    """The script, with a `dropbearkey` that writes a word."""

    def __init__(self, folder: Path) -> None:
        self.run_folder, self.state, commands = folder / "run", folder / "state", folder / "bin"
        for each in (self.run_folder, self.state, commands):
            each.mkdir()
        self.file = folder / "authorized_keys"
        (commands / "dropbearkey").write_text('#!/bin/sh\necho "$*" > "$4"\n', "utf-8")
        (commands / "dropbearkey").chmod(0o755)
        self._environ = {
            "PATH": f"{commands}:{os.environ['PATH']}",
            "RUNTIME_DIRECTORY": str(self.run_folder),
            "STATE_DIRECTORY": str(self.state),
        }

    def run(self, content: bytes) -> str:
        """What it complains about; nothing where somebody may log in."""
        self.file.write_bytes(content)
        command = ["sh", str(SCRIPT), str(self.file)]
        done = subprocess.run(command, env=self._environ, capture_output=True, text=True)
        assert (done.returncode == 0) == (done.stderr == "")
        return done.stderr

    @property
    def keys(self) -> Path:
        return self.run_folder / "authorized_keys"

    @property
    def own(self) -> Path:
        return self.state / "ed25519"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        KEY.encode(),
        f"# mine\r\n{KEY}\r\n".encode(),
        f"{KEY}\n".encode("utf-8-sig"),
        f"{KEY}\r\n".encode("utf-16"),
        f'no-pty,command="luna status" {KEY}\n'.encode(),
    ],
    ids=["plain", "windows", "marked", "two bytes a letter", "limited"],
)
def test_keys_are_taken_however_they_were_saved(desk: Desk, content: bytes) -> None:
    assert desk.run(content) == ""
    last = desk.keys.read_bytes().rstrip(b"\n").split(b"\n")[-1]
    assert last.endswith(KEY.encode())
    assert desk.keys.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\1\2\xff" * 100,
        f"# {KEY}\n".encode(),
        b"ssh-ed25519\n",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n",
        b"please let me in",
    ],
    ids=["empty", "noise", "commented out", "half", "private", "words"],
)
def test_a_file_without_a_key_is_told_and_lets_nobody_in(desk: Desk, content: bytes) -> None:
    assert "no public key" in desk.run(content)
    assert not desk.own.exists()


def test_the_devices_own_key_is_made_once(desk: Desk) -> None:
    desk.run(KEY.encode())
    assert desk.own.read_text("utf-8") == f"-t ed25519 -f {desk.own}\n"
    desk.own.write_text("kept", "utf-8")
    desk.run(KEY.encode())
    assert desk.own.read_text("utf-8") == "kept"


def test_a_key_that_a_power_cut_left_empty_is_made_anew(desk: Desk) -> None:
    desk.own.touch()
    desk.run(KEY.encode())
    assert desk.own.read_text("utf-8") != ""


def test_it_is_executable_and_its_unit_wants_a_file() -> None:
    assert SCRIPT.stat().st_mode & 0o111
    unit = UNIT.read_text("utf-8")
    place = "/boot/luna/authorized_keys"
    assert f"ConditionPathExists={place}\n" in unit
    assert f"ExecCondition=/{SCRIPT.relative_to(OVERLAY)} {place}\n" in unit
    words = unit.replace("\\\n", " ").partition("ExecStart=")[2].splitlines()[0].split()
    assert {"-s", "-g"} <= set(words), "passwords are off"


@pytest.mark.needs("systemd-analyze")
def test_the_unit_is_valid(tmp_path: Path) -> None:
    copy = tmp_path / UNIT.name
    text = re.sub(r"/usr/(sbin/dropbear|lib/luna/ssh-keys)", "/bin/true", UNIT.read_text("utf-8"))
    copy.write_text(text, "utf-8")
    verify = ["systemd-analyze", "verify", "--man=no", str(copy)]
    done = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if "luna" in line] == []

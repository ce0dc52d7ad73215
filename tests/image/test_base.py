from __future__ import annotations

from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from image.builder import base
from image.builder.programs import BuildError

RULE = b":qemu-aarch64:M::\\x7f\\x45:\\xff\\xff:/usr/bin/qemu-aarch64:OPF\n"


@pytest.fixture
def binfmt(tmp_path: Path, mocker: MockerFixture) -> Path:
    """The kernel's folder, where nothing but the way to tell it stands."""
    mocker.patch("image.builder.base.require")
    mocker.patch("image.builder.base.run")
    (tmp_path / "register").touch()
    return tmp_path


def test_a_machine_that_emulates_is_left_alone(binfmt: Path, tmp_path: Path) -> None:
    (binfmt / "qemu-aarch64").touch()
    rule = tmp_path / "rule"
    rule.write_bytes(RULE)
    base.ready_to_emulate("x86_64", binfmt, rule)
    assert (binfmt / "register").read_bytes() == b""


def test_without_systemd_the_rule_of_debian_13_is_told_to_the_kernel(
    binfmt: Path, tmp_path: Path
) -> None:
    rule = tmp_path / "rule"
    rule.write_bytes(RULE)
    with pytest.raises(BuildError, match="install qemu-user-static"):  # nobody listens here
        base.ready_to_emulate("x86_64", binfmt, rule)
    assert (binfmt / "register").read_bytes() == RULE


def test_what_is_lacking_is_said(binfmt: Path, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="update-binfmts --enable qemu-aarch64"):
        base.ready_to_emulate("x86_64", binfmt, tmp_path / "none")


def test_arm64_needs_no_emulation(tmp_path: Path) -> None:
    base.ready_to_emulate("aarch64", tmp_path / "none", tmp_path / "none")

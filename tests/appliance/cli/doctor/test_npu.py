from __future__ import annotations

import grp
import os
from pathlib import Path

import pytest

from appliance.cli.doctor import npu
from appliance.cli.doctor.check import Level
from appliance.settings import NpuEngineSettings

MINE = grp.getgrgid(os.getgid()).gr_name


def board(root: Path, driver: str = "0.9.8") -> Path:
    (root / "sys/bus/platform/drivers/RKNPU/fdab0000.npu").mkdir(parents=True)
    debug = root / "sys/kernel/debug/rknpu"
    debug.mkdir(parents=True)
    (debug / "version").write_text(f"RKNPU driver: v{driver}\n")
    return root


def test_a_machine_without_an_npu_has_no_such_checks(tmp_path: Path) -> None:
    assert list(npu.checks(NpuEngineSettings(), tmp_path)) == []


def test_a_board_has_all_of_them(tmp_path: Path) -> None:
    found = npu.checks(NpuEngineSettings(), board(tmp_path))
    names = [check.look().name for check in found]
    assert names == ["npu driver", "npu node", "npu memory", "npu runtime"]


@pytest.mark.parametrize(
    ("version", "level"),
    [("0.9.8", Level.OK), ("0.8.2", Level.PROBLEM)],
)
def test_an_old_driver_is_a_problem(tmp_path: Path, version: str, level: Level) -> None:
    assert npu.driver(board(tmp_path, version)).level is level


def test_a_driver_that_says_nothing_is_a_warning(tmp_path: Path) -> None:
    assert npu.driver(tmp_path).level is Level.WARNING


def test_the_node_is_there_and_for_the_right_group(tmp_path: Path) -> None:
    assert npu.node("npu node", [], "render").level is Level.PROBLEM
    assert npu.node("npu memory", [], "video").level is Level.OK
    node = tmp_path / "platform-fdab0000.npu-render"
    node.touch()
    node.chmod(0o660)
    assert npu.node("npu node", [node], MINE).level is Level.OK
    found = npu.node("npu node", [node], "render-of-others")
    assert found.level is Level.PROBLEM
    assert f"chgrp render-of-others {node}" in found.remedy
    node.chmod(0o600)
    assert npu.node("npu node", [node], MINE).level is Level.PROBLEM


def test_the_runtime_is_found_or_asked_for(tmp_path: Path) -> None:
    found = npu.runtime(NpuEngineSettings(), tmp_path)
    assert found.level is Level.PROBLEM
    assert "librkllmrt.so" in found.remedy
    library = tmp_path / "usr/lib/librkllmrt.so"
    library.parent.mkdir(parents=True)
    library.write_bytes(b"\x7fELF rkllm-runtime version: 1.3.0\0")
    assert npu.runtime(NpuEngineSettings(), tmp_path).sentence == f"{library} is RKLLM 1.3.0."

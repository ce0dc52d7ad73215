"""Compiles the simulator; every version it can pretend to be is in `ABIS`."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

SOURCES = Path(__file__).parent
ABIS: Mapping[str, int] = {"1.2.1": 12, "1.2.2": 12, "1.2.3": 12, "1.3.0": 13}
COMPILER = ("g++", "-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror")


def command(version: str, out: Path) -> list[str]:
    """The compiler's command line for a library that announces `version`."""
    defines = [f"-DRKLLM_SIM_ABI={ABIS[version]}", f'-DRKLLM_SIM_VERSION="{version}"']
    library = ["-shared", "-fPIC", "-fvisibility=hidden", "-pthread"]
    return [*COMPILER, *library, *defines, str(SOURCES / "rkllm_sim.cpp"), "-o", str(out)]


def build(version: str, folder: Path) -> Path:
    """Compile; raises CalledProcessError, with the compiler's words on stderr."""
    folder.mkdir(parents=True, exist_ok=True)
    out = folder / f"librkllmrt-{version}.so"
    subprocess.run(command(version, out), check=True)
    return out


@cache
def library(version: str) -> Path:
    """A library that announces `version`: made once, gone with this process."""
    folder = Path(tempfile.mkdtemp(prefix="luna-rkllm-sim-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return build(version, folder)

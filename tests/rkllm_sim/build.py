"""Compiles the simulator; every version it can pretend to be is in `ABIS`."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

SOURCES = Path(__file__).parent
ABIS: Mapping[str, int] = {"1.2.1": 12, "1.2.2": 12, "1.2.3": 12, "1.3.0": 13}
_FLAGS = ("-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror")
COMPILER = ("g++", *_FLAGS)
# For a board, with the parts of the compiler's own libraries in it: the board may have older ones.
ARM64 = ("aarch64-linux-gnu-g++", *_FLAGS, "-static-libstdc++", "-static-libgcc")


def command(version: str, out: Path, compiler: Sequence[str] = COMPILER) -> list[str]:
    """The compiler's command line for a library that announces `version`."""
    defines = [f"-DRKLLM_SIM_ABI={ABIS[version]}", f'-DRKLLM_SIM_VERSION="{version}"']
    library = ["-shared", "-fPIC", "-fvisibility=hidden", "-pthread"]
    return [*compiler, *library, *defines, str(SOURCES / "rkllm_sim.cpp"), "-o", str(out)]


def build(version: str, folder: Path, compiler: Sequence[str] = COMPILER) -> Path:
    """Compile; raises CalledProcessError, with the compiler's words on stderr."""
    folder.mkdir(parents=True, exist_ok=True)
    out = folder / f"librkllmrt-{version}.so"
    subprocess.run(command(version, out, compiler), check=True)
    return out


@cache
def library(version: str) -> Path:
    """A library that announces `version`: made once, gone with this process."""
    folder = Path(tempfile.mkdtemp(prefix="luna-rkllm-sim-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return build(version, folder)

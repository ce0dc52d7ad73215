"""Compiles the simulator; every version it can pretend to be is in `ABIS`."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

SOURCES = Path(__file__).parent
ABIS: Mapping[str, int] = {"1.2.1": 12, "1.2.2": 12, "1.2.3": 12, "1.3.0": 13}
COMPILER = ("g++", "-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror")


def command(version: str, out: Path) -> list[str]:
    """The compiler's command line for a library that announces `version`."""
    defines = [f"-DRKLLM_SIM_ABI={ABIS[version]}", f'-DRKLLM_SIM_VERSION="{version}"']
    library = ["-shared", "-fPIC", "-fvisibility=hidden", "-pthread"]
    return [*COMPILER, *library, *defines, str(SOURCES / "rkllm_sim.cpp"), "-o", str(out)]


def start(version: str, folder: Path) -> tuple[subprocess.Popen[bytes], Path]:
    """Begin to compile; the library is there when the process has ended with 0."""
    folder.mkdir(parents=True, exist_ok=True)
    out = folder / f"librkllmrt-{version}.so"
    return subprocess.Popen(command(version, out)), out


def build(version: str, folder: Path) -> Path:
    """Compile; raises CalledProcessError with the compiler's words on stderr."""
    process, out = start(version, folder)
    if code := process.wait():
        raise subprocess.CalledProcessError(code, process.args)
    return out

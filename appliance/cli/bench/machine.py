"""The machine that figures were measured on: without it they say nothing."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib import metadata

from appliance import __version__
from appliance.errors import ReadingUnavailable
from appliance.system.board import read_board
from appliance.system.cpu import read_cpu_model
from appliance.system.memory import read_memory


@dataclass(frozen=True, slots=True)
class Machine:
    """`memory_bytes` is 0 where it is not known; `load` the average of the last minute."""

    cpu: str
    cores: int
    architecture: str
    board: str
    system: str
    kernel: str
    memory_bytes: int
    load: float
    python: str
    luna: str
    xllamacpp: str


def describe() -> Machine:
    """This machine, now."""
    try:
        cpu, memory = read_cpu_model().name, read_memory().total_bytes
    except ReadingUnavailable:
        cpu, memory = platform.processor() or "unknown", 0
    try:
        engine = metadata.version("xllamacpp")
    except metadata.PackageNotFoundError:
        engine = ""
    board = read_board()
    return Machine(
        cpu=cpu,
        cores=len(os.sched_getaffinity(0)),
        architecture=platform.machine(),
        board=board.model or "",
        system=board.system,
        kernel=platform.release(),
        memory_bytes=memory,
        load=round(os.getloadavg()[0], 2),
        python=platform.python_version(),
        luna=__version__,
        xllamacpp=engine,
    )

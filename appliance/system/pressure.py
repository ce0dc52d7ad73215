"""How much the machine waits for memory (PSI of the kernel's documents)."""

from __future__ import annotations

import re
from pathlib import Path

_FULL = re.compile(r"^full avg10=(\d+(?:\.\d+)?)", re.MULTILINE | re.ASCII)


def read_memory_pressure(proc: Path = Path("/proc")) -> float | None:
    """Share of the last ten seconds in which everything waited for memory, 0 to 100.

    None for a kernel that does not count it.
    """
    try:
        return parse_pressure((proc / "pressure/memory").read_text("ascii", "replace"))
    except OSError:  # vendor kernels answer "not supported" when PSI is compiled in but off
        return None


def parse_pressure(text: str) -> float | None:
    """The figure of the line `full avg10=0.12 avg60=0.00 avg300=0.00 total=0`."""
    found = _FULL.search(text)
    return min(100.0, float(found[1])) if found else None

"""How many interrupts a device has raised: a sign that it works, which everybody may read."""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path

# Devices that share a line stand last: `GICv3 142 Level  fdab9000.iommu, fdab0000.npu`.
_NPU = re.compile(r"(^|[\s,])[\w.-]+\.npu($|[\s,])")


def read_npu_interrupts(root: Path = Path("/")) -> int | None:
    """Interrupts of the NPU since boot, of all its cores; None where there is none."""
    try:
        return parse_npu_interrupts((root / "proc/interrupts").read_text("utf-8", "replace"))
    except OSError:
        return None


def parse_npu_interrupts(text: str) -> int | None:
    """/proc/interrupts (proc(5)): a line for each interrupt, a count for each CPU in it."""
    lines = [line for line in text.splitlines() if _NPU.search(line)]
    return sum(map(_count, lines)) if lines else None


def _count(line: str) -> int:
    figures = takewhile(lambda word: word.isascii() and word.isdecimal(), line.split()[1:])
    return sum(map(int, figures))

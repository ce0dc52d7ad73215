"""Which boot of the machine this is."""

from __future__ import annotations

from pathlib import Path


def read_boot_id(root: Path = Path("/")) -> str:
    """The kernel's random name of this boot; empty where it cannot be read."""
    try:
        return (root / "proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""

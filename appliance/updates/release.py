"""Which image runs, and whether another is older."""

from __future__ import annotations

import re
from pathlib import Path

_NUMBER = re.compile(r"\d+")


def running_version(root: Path = Path("/")) -> str:
    """What os-release calls the image (os-release(5), IMAGE_VERSION); empty where it is none."""
    try:
        text = (root / "etc/os-release").read_text("utf-8")
    except OSError:
        return ""
    lines = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return lines.get("IMAGE_VERSION", "").strip('"')


def is_older(version: str, than: str) -> bool:
    """Whether the numbers in one version come before those in the other, the first ones first.

    0.9.0+202601010000 is older than 0.10.0+202512310000.
    """
    return _numbers(version) < _numbers(than)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in _NUMBER.findall(version)]

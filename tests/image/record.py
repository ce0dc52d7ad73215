"""Whether the recipe has changed since the image last booted well: image/boot-test.json.

`python -m tests.image.record check` ends with 0 where nothing has; `write` notes that
boot/check_boot.py has passed.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from image.builder.cache import tree_key

ROOT = Path(__file__).parents[2]
FILE = ROOT / "image/boot-test.json"
# The recipe and the checks. Luna's package is tried in a container by every run (tests/vm).
INPUTS = (
    "image/boards/virt-arm64.toml",
    "image/boot",
    "image/builder",
    "image/engine.toml",
    "image/overlay",
    "image/packages.toml",
    "tests/image/boot",
    "tests/image/guest/agent.sh",
    "tests/image/qemu.py",
)


def key(root: Path = ROOT) -> str:
    """Names the inputs as they are now."""
    return tree_key([root / name for name in INPUTS], root)


def read(file: Path = FILE) -> dict[str, Any]:
    """What was noted; nothing where it cannot be read."""
    try:
        content = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write(figures: dict[str, Any], file: Path = FILE, now: datetime | None = None) -> None:
    """Note a pass and what was measured in it."""
    day = (now or datetime.now(UTC)).date().isoformat()
    content = {"inputs": key(), "passed": day, "figures": figures}
    file.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def main(words: list[str]) -> int:
    """Check, or write with the figures that the checks left in dist/image/figures.json."""
    if words == ["write"]:
        figures = ROOT / "dist/image/figures.json"
        write(json.loads(figures.read_text("utf-8")) if figures.exists() else {})
        return 0
    same = read().get("inputs") == key()
    print("unchanged since the last pass" if same else "changed since the last pass")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

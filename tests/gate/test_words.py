"""The tree speaks of itself alone: no private folders, no registry hosts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.gate.tree import ROOT, complain, files

# Put together from halves, so that this file does not contain what it looks for.
PRIVATE = [
    rf"(?<![\w.])/{folder}/[A-Za-z0-9_.-]" for folder in ("ho" + "me", "ro" + "ot", "Us" + "ers")
]
HOSTS = ["py" + "pi.org", "python" + "hosted.org", "registry." + "npmjs", "static.crates" + ".io"]
FORBIDDEN = re.compile("|".join([*PRIVATE, *map(re.escape, HOSTS)]))


def forbidden(text: str) -> list[str]:
    """Every forbidden word in `text`, with its line number."""
    lines = enumerate(text.splitlines(), 1)
    return [f"{number}: {m.group()}" for number, line in lines for m in FORBIDDEN.finditer(line)]


def readable(path: Path) -> str:
    """Content of a text file; empty for a binary one."""
    content = path.read_bytes()
    return "" if b"\0" in content else content.decode("utf-8", errors="replace")


def test_no_private_folder_or_registry_host_is_named() -> None:
    complain(
        [f"{p.relative_to(ROOT)}:{found}" for p in files() for found in forbidden(readable(p))],
        "say it without the folder or host, or take it from the configuration:",
    )


@pytest.mark.parametrize(
    "text", ["open('/ho" + "me/ann/x')", "see https://py" + "pi.org/x", "/ro" + "ot/.ssh"]
)
def test_a_forbidden_word_is_found(text: str) -> None:
    assert forbidden(f"fine\n{text}")[0].startswith("2: ")


@pytest.mark.parametrize("text", ["/v1/ho" + "me/x", "ProtectHome=yes", "chroot /mnt/ro" + "ot/x"])
def test_an_innocent_word_is_not(text: str) -> None:
    assert not forbidden(text)

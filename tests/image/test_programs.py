"""Other programs: the missing are named with their packages, and what fails is shown."""

from __future__ import annotations

import pytest

from image.builder.programs import BuildError, Progress, require, run


def test_all_missing_programs_are_named_at_once() -> None:
    with pytest.raises(BuildError) as told:
        require(["sh", "mkimage", "sfdisk"], find=lambda name: "/x" if name == "sh" else None)
    assert str(told.value) == "mkimage, sfdisk missing. On Debian: apt install fdisk u-boot-tools"


def test_what_a_failing_program_said_last_is_told() -> None:
    with pytest.raises(BuildError, match=r"(?s)too bad.*sh failed with 3"):
        run("sh", "-c", "echo too bad >&2; exit 3")


def test_progress_tells_how_long_it_took() -> None:
    lines: list[str] = []
    now = iter([0.0, 3.0, 125.9])
    tell = Progress(lines.append, lambda: next(now))
    tell("one")
    tell("two")
    assert lines == ["[  0:03] one", "[  2:05] two"]

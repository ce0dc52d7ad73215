from __future__ import annotations

from pathlib import Path

import pytest

from appliance.system.boot import read_boot_id


def test_this_boot_has_a_name() -> None:
    assert len(read_boot_id()) == 36
    assert read_boot_id() == read_boot_id()


@pytest.mark.parametrize("content", [None, b"\xff"])
def test_one_that_cannot_be_read_has_none(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "proc/sys/kernel/random/boot_id"
    if content is not None:
        file.parent.mkdir(parents=True)
        file.write_bytes(content)
    assert read_boot_id(tmp_path) == ""

"""The boot script's text and its counters."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image.builder import board, boot


@pytest.mark.parametrize("name", board.names())
def test_nothing_is_left_to_fill_in(name: str) -> None:
    script = boot.script(board.load(name))
    assert "@" not in script
    assert script.count("booti ") == 1
    assert len(script) < 8192


def test_the_firmwares_own_tree_is_used_where_there_is_no_other() -> None:
    script = boot.script(board.load("virt-arm64"))
    assert "booti ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} ${fdtcontroladdr}" in script
    assert "board.dtb" not in script


def test_a_broken_kernel_restarts_so_that_a_try_is_used_up() -> None:
    script = boot.script(board.load("virt-arm64"))
    assert "panic=5" in script
    assert script.rstrip().endswith("reset")
    # The try is taken, and written, before anything of the slot is read.
    assert (
        script.index("env export") < script.index("write ${ramdisk_addr_r}") < script.index("booti")
    )


words = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="="), min_size=1
)


@given(st.dictionaries(words, words, max_size=20))
def test_counters_are_read_back(values: dict[str, str]) -> None:
    made = boot.counters(values)
    assert len(made) == boot.COUNTERS_BYTES
    assert int.from_bytes(made[:4], "little") == zlib.crc32(made[4:])
    lines = made[4:].rstrip(b"\0").decode().split("\0")
    assert dict(line.split("=", 1) for line in lines if line) == values

import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import ReadingUnavailable
from appliance.system.memory import (
    Memory,
    out_of_memory_kills,
    parse_kilobytes,
    parse_meminfo,
    peak_rss_bytes,
    read_memory,
)


def test_memory_is_read_in_bytes(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 8000 kB\nMemFree: 1 kB\nMemAvailable: 6000 kB\n")
    assert read_memory(tmp_path) == Memory(8000 * 1024, 6000 * 1024)
    assert read_memory(tmp_path).used_percent == 25.0


@given(st.integers(1, 2**50), st.integers(0, 2**50))
def test_used_percent_is_never_out_of_range(total: int, available: int) -> None:
    memory = parse_meminfo(f"MemAvailable:  {available} kB\nMemTotal:  {total} kB")
    assert (memory.total_bytes, memory.available_bytes) == (total * 1024, available * 1024)
    assert 0 <= memory.used_percent <= 100


@given(st.text() | st.builds("MemTotal:{}\nMemAvailable:{}".format, st.text(), st.text()))
def test_any_text_parses_or_is_refused(text: str) -> None:
    with suppress(ValueError):
        assert parse_meminfo(text).total_bytes > 0


@pytest.mark.parametrize(
    "content", [None, "", "MemTotal: 0 kB\nMemAvailable: 0 kB\n", "MemTotal: 5 MB\n"]
)
def test_unusable_memory_says_what_is_needed(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "meminfo").write_text(content)
    with pytest.raises(ReadingUnavailable, match="needs Linux"):
        read_memory(tmp_path)


def test_a_longer_name_is_another_line() -> None:
    assert parse_kilobytes("VmHWMX: 1 kB\nVmHWM:\t   2 kB\n", "VmHWM") == 2048


def test_peak_of_this_process_grows_with_what_it_holds() -> None:
    before = peak_rss_bytes(os.getpid())
    held = b"x" * (before + 2**26)
    assert peak_rss_bytes(os.getpid()) > len(held)


def test_a_process_that_is_gone_has_no_peak(tmp_path: Path) -> None:
    with pytest.raises(ReadingUnavailable, match=r"Process 7 .* may have ended"):
        peak_rss_bytes(7, tmp_path)


def test_this_machine_has_memory() -> None:
    memory = read_memory()
    assert memory.total_bytes > 2**27
    assert 0 < memory.available_bytes <= memory.total_bytes


def test_programs_that_were_killed_are_counted(tmp_path: Path) -> None:
    (tmp_path / "vmstat").write_text("nr_free_pages 12\noom_kill 3\nswap_ra 0\n")
    assert out_of_memory_kills(tmp_path) == 3


@pytest.mark.parametrize("text", [None, "", "nr_free_pages 12\n", "oom_kill many\n", "\0\n"])
def test_a_kernel_that_counts_no_killed_programs(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "vmstat").write_text(text)
    with pytest.raises(ReadingUnavailable, match="killed"):
        out_of_memory_kills(tmp_path)

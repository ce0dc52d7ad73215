from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.system.interrupts import parse_npu_interrupts, read_npu_interrupts

HEAD = "           CPU0       CPU1       CPU2       CPU3\n"
BOARD = (
    HEAD
    + """ 13:      84371     132018      72910      61234  GICv3  26 Level  arch_timer
 37:      91234          0          0          5  GICv3 142 Level  fdab9000.iommu, fdab0000.npu
 38:         10          0          0          0  GICv3 143 Level  fdab9000.iommu, fdab0000.npu
 39:          1          2          3          4  GICv3 144 Level  fdab9000.iommu, fdab0000.npu
IPI0:     13801      14912      11223      10321       Rescheduling interrupts
Err:          0
"""
)


def test_the_lines_of_all_cores_are_summed(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/interrupts").write_text(BOARD)
    assert read_npu_interrupts(tmp_path) == 91239 + 10 + 10


@pytest.mark.parametrize("text", ["", HEAD, " 1: 5 6 7 8 GICv3 1 Level fd000000.npux\n", "x.npux"])
def test_no_npu_has_none(text: str) -> None:
    assert parse_npu_interrupts(text) is None


def test_a_machine_without_the_file(tmp_path: Path) -> None:
    assert read_npu_interrupts(tmp_path) is None


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=8))
def test_every_count_is_read(counts: list[int]) -> None:
    figures = " ".join(f"{count:10d}" for count in counts)
    text = f"{HEAD} 37: {figures}  GICv3 142 Level  fdab9000.iommu, fdab0000.npu\n"
    assert parse_npu_interrupts(text) == sum(counts)


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    counted = parse_npu_interrupts(text)
    assert counted is None or counted >= 0

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.system.rknpu_log import NpuEvent, parse_npu_event

DEVICE = "RKNPU fdab0000.npu: RKNPU: "
LINES = {
    f"{DEVICE}job: 00000000a1, mask: 0x7, job iommu domain id: 0, dev iommu domain id: 0, "
    "wait_count: 1, continue wait: 1, commit elapse time: 6001us, wait time: 6000000us, "
    "timeout: 6000000us": NpuEvent.SLOW,
    f"{DEVICE}failed to wait job, task counter: 3, flags: 0x5, ret = 0, elapsed time: 18000123us": (
        NpuEvent.TIMEOUT
    ),
    f"{DEVICE}job timeout, flags: 0x0:": NpuEvent.TIMEOUT,
    f"{DEVICE}job abort, flags: 0x5, ret: -110, elapsed time: 18000456us": NpuEvent.ABORTED,
    f"{DEVICE}job commit failed": NpuEvent.ABORTED,
    "RKNPU: soft reset, num: 1": NpuEvent.RESET,
    f"{DEVICE}bypass soft reset": NpuEvent.RESET_OFF,
    f"{DEVICE}failed to soft reset for rknpu: -110": NpuEvent.RESET_FAILED,
    f"{DEVICE}switch iommu domain time out, failed to switch iommu domain, id: 1": (
        NpuEvent.DOMAIN_STUCK
    ),
    "RKNPU: failed to allocate 4194304 buffer.": NpuEvent.NO_MEMORY,
    "RKNPU: failed to get pages: -12": NpuEvent.NO_MEMORY,
    "RKNPU: failed to allocate IOVA: -28": NpuEvent.NO_MEMORY,
    "rk_iommu fdab9000.iommu: Page fault at 0x00000000ffff0000 of type read": NpuEvent.PAGE_FAULT,
}
HARMLESS = [
    "[drm] Initialized rknpu 0.9.8 20240828 for fdab0000.npu on minor 1",
    f"{DEVICE}can't request region for resource [mem 0xfdab0000-0xfdabffff]",
    f"{DEVICE}Failed to get leakage",
    "RKNPU: switch iommu domain from 0 to 1",
    "\tcore 0 irq status: 0x0, raw status: 0x0, require mask: 0x300, task counter: 0x0",
    f"{DEVICE}failed to wait job, task counter: 0, flags: 0x5, ret = -512, elapsed time: 9us",
    "usb 1-1: job timeout, flags: 0x0:",
    "rk_iommu fdb60f00.iommu: Page fault at 0x0 of type write",
    "",
]


@pytest.mark.parametrize(("line", "event"), LINES.items())
def test_what_the_driver_tells(line: str, event: NpuEvent) -> None:
    assert parse_npu_event(line) is event


@pytest.mark.parametrize("line", HARMLESS)
def test_what_means_nothing(line: str) -> None:
    assert parse_npu_event(line) is None


def test_which_events_are_hangs() -> None:
    assert {event for event in NpuEvent if event.is_hang} == {
        NpuEvent.TIMEOUT,
        NpuEvent.ABORTED,
        NpuEvent.DOMAIN_STUCK,
    }


@given(st.text())
def test_what_others_say_is_none_of_its_business(text: str) -> None:
    if "RKNPU" not in text and "rk_iommu" not in text:
        assert parse_npu_event(text) is None

"""What the NPU's driver tells in the kernel's log (source of rknpu 0.9.8)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class NpuEvent(StrEnum):
    """What happened; `RESET_FAILED` leaves the driver unusable until the machine is restarted."""

    SLOW = "slow"
    TIMEOUT = "timeout"
    ABORTED = "aborted"
    RESET = "reset"
    RESET_OFF = "reset_off"
    RESET_FAILED = "reset_failed"
    DOMAIN_STUCK = "domain_stuck"
    NO_MEMORY = "no_memory"
    PAGE_FAULT = "page_fault"

    @property
    def is_hang(self) -> bool:
        """Whether a job did not come back from the NPU."""
        return self in (NpuEvent.TIMEOUT, NpuEvent.ABORTED, NpuEvent.DOMAIN_STUCK)


@dataclass(frozen=True, slots=True)
class _Pattern:
    event: NpuEvent
    text: re.Pattern[str]


_PREFIX = re.compile(r"(^|\s)RKNPU(?::|\s)")
_IOMMU = re.compile(r"rk_iommu fdab\d+\.iommu: Page fault")
_INTERRUPTED = "ret = -512"  # by a signal: somebody ended the program, nothing hangs

# The first that fits counts: a failed reset also has the words of a reset.
_PATTERNS = tuple(
    _Pattern(event, re.compile(text))
    for event, text in (
        (NpuEvent.RESET_FAILED, r"failed to soft reset"),
        (NpuEvent.RESET_OFF, r"bypass soft reset"),
        (NpuEvent.RESET, r"soft reset, num: \d+"),
        (NpuEvent.DOMAIN_STUCK, r"switch iommu domain time ?out"),
        (NpuEvent.TIMEOUT, r"job timeout, flags"),
        (NpuEvent.TIMEOUT, r"failed to wait job"),
        (NpuEvent.ABORTED, r"job abort, flags|job commit failed"),
        (NpuEvent.SLOW, r"job: .*continue wait"),
        (NpuEvent.NO_MEMORY, r"failed to allocate|failed to get pages"),
    )
)


def parse_npu_event(text: str) -> NpuEvent | None:
    """The event that a kernel message tells of; None for all the others, and for harmless ones."""
    if _IOMMU.search(text):
        return NpuEvent.PAGE_FAULT
    if not _PREFIX.search(text) or _INTERRUPTED in text:
        return None
    return next((each.event for each in _PATTERNS if each.text.search(text)), None)

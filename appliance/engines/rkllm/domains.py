"""The NPU's address spaces: a model needs one of its own, a large one several in a row."""

from __future__ import annotations

import threading

from appliance.errors import ModelLoadFailed

_DOMAINS = range(1, 16)  # the driver has 16; 0 is left to programs that know nothing of them
_ROOM = 3 * 2**30  # bytes of weights in each, of 4 GiB: buffers and the context come on top


class Domains:
    """Hands out IOMMU domains of the driver; for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: dict[int, range] = {}

    def take(self, size_bytes: int) -> int:
        """The first of as many neighbours as a model of that size needs."""
        wanted = 1 + size_bytes // _ROOM
        with self._lock:
            used = {number for taken in self._taken.values() for number in taken}
            for first in _DOMAINS:
                row = range(first, first + wanted)
                if row.stop <= _DOMAINS.stop and not used.intersection(row):
                    self._taken[first] = row
                    return first
        raise ModelLoadFailed(
            "The NPU has no address space left for another model: unload one, or lower "
            "models.max_loaded."
        )

    def give_back(self, first: int) -> None:
        """Free what `take` gave; what is free already stays so."""
        with self._lock:
            self._taken.pop(first, None)

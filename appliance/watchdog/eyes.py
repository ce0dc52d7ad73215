"""One look at everything: the kernel's files below a folder, and the server."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

from appliance.errors import ReadingUnavailable
from appliance.system.board import read_temperatures
from appliance.system.interrupts import read_npu_interrupts
from appliance.system.kmsg import KernelLog
from appliance.system.npu import read_npu
from appliance.system.pressure import read_memory_pressure
from appliance.system.rknpu import Rknpu
from appliance.system.rknpu_log import NpuEvent, parse_npu_event
from appliance.watchdog.readings import Readings
from appliance.watchdog.server import Server

_log = logging.getLogger(__name__)


class Eyes:
    """Looks; what cannot be read is told once in the log. Close it at the end."""

    def __init__(
        self,
        server: Server,
        npu: Rknpu,
        root: Path = Path("/"),
        clock: Callable[[], float] = time.monotonic,  # on Linux it counts from boot
    ) -> None:
        self._server = server
        self._npu = npu
        self._root = root
        self._clock = clock
        self._missing: set[str] = set()
        self._looked = False
        self._kernel: KernelLog | None = None
        try:
            self._kernel = KernelLog(root)
        except ReadingUnavailable as error:
            self._miss(error)

    def look(self, canary: bool | None = None) -> Readings:
        """Everything as it is now; takes some seconds if the server is slow."""
        return Readings(
            at=self._clock(),
            engines=self._server.heartbeats(),
            npu_load=self._load(),
            interrupts=read_npu_interrupts(self._root),
            kernel=self._events(),
            temperatures=read_temperatures(self._root / "sys"),
            memory_pressure=read_memory_pressure(self._root / "proc"),
            can_reset=self._npu.can_soft_reset(),
            canary=canary,
        )

    def close(self) -> None:
        """Look no more."""
        if self._kernel is not None:
            self._kernel.close()

    def _load(self) -> tuple[float, ...] | None:
        try:
            return read_npu(self._root).cores_percent
        except ReadingUnavailable as error:
            self._miss(error)
            return None

    def _events(self) -> tuple[NpuEvent, ...]:
        """What the driver said since the last look.

        At first it is the whole log of this boot, of which only matters what no later event heals.
        """
        lines = self._kernel.read() if self._kernel is not None else ()
        found = [event for line in lines if (event := parse_npu_event(line.text)) is not None]
        if not self._looked:
            found = [event for event in found if event is NpuEvent.RESET_FAILED]
        self._looked = True
        return tuple(found)

    def _miss(self, error: ReadingUnavailable) -> None:
        if error.message not in self._missing:
            self._missing.add(error.message)
            _log.info("%s", error)

"""What the watchdog remembers over restarts and boots: incidents, counts, and its last reboot.

One small JSON file, written only when something happened: flash wears out. The server reads it
too, for `/health`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct, field, structs

from appliance.system.files import write_durably

FILE = "incidents.json"
_BIGGEST = 1_000_000  # bytes; a file that is larger was not written here


class Incident(Struct, frozen=True):
    """An illness from its first sign on.

    `began` is in UTC, by the clock that the device had then; `uptime_s` counts from boot.
    `lasted_s` is None while it lasts, and for ever if the watchdog was ended before.
    """

    illness: str
    began: str
    uptime_s: float
    detail: str
    model: str | None = None
    steps: tuple[str, ...] = ()
    lasted_s: float | None = None


class Ledger(Struct, frozen=True):
    """Everything remembered; `reboot_from` is in seconds since the boot named `boot`.

    0 allows a reboot at any time. `share` is what the NPU is left with of its clock. `counts` go by
    the names of illnesses and of steps. The newest incident is the last.
    """

    boot: str = ""
    reboot_from: float = 0.0
    share: float = 1.0
    state: str = "well"
    counts: Mapping[str, int] = field(default_factory=dict)
    incidents: tuple[Incident, ...] = ()

    def in_boot(self, boot: str, reboot_apart: float) -> Ledger:
        """What is to be held to in this boot.

        No clock is asked, it may be wrong by years. Where an earlier boot had not yet lasted long
        enough since its reboot, or nothing was remembered, this one has to last that long first.
        """
        if boot and boot == self.boot:
            return self
        proven = self.boot and not self.reboot_from
        since = 0.0 if proven else reboot_apart
        return structs.replace(self, boot=boot, reboot_from=since, share=1.0)


def read(folder: Path) -> Ledger | None:
    """What was saved in a folder; None where nothing was, or nothing that can be read."""
    try:
        with (folder / FILE).open("rb") as file:
            return msgspec.json.decode(file.read(_BIGGEST), type=Ledger)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def save(folder: Path, ledger: Ledger) -> None:
    """Have it on the disk, whole, whatever happens to the machine next. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    write_durably(folder / FILE, msgspec.json.encode(ledger), 0o640)

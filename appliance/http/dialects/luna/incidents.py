"""What the watchdog has written down, as the server tells it."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from appliance.watchdog import ledger
from appliance.watchdog.ledger import Incident

_TOLD = 5


class WatchdogReport(Struct, frozen=True):
    """`state` is well, hot, ill or helpless; `counts` go by illness and by what was done, since
    the device was set up. The newest of the last incidents comes first.
    """

    state: str
    counts: dict[str, int]
    incidents: list[Incident]


def report(folder: Path) -> WatchdogReport | None:
    """The watchdog's report, None where it never ran."""
    known = ledger.read(folder)
    if known is None:
        return None
    last = known.incidents[-_TOLD:][::-1]
    return WatchdogReport(known.state, dict(known.counts), list(last))

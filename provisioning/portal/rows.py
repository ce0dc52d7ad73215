"""The list of networks as the page shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from provisioning.credentials import Security, printable
from provisioning.portal.forms import Entry
from provisioning.survey import Network

MOST = 24
_KINDS = {
    Security.OPEN: "open",
    Security.OWE: "open",
    Security.ENTERPRISE: "enterprise",
    Security.UNSUPPORTED: "unsupported",
}
_SIGNALS = ("weak", "fair", "good", "strong")


@dataclass(frozen=True, slots=True)
class Row:
    """One network; `kind` and `signal` are keys of the languages, `level` is 1 to 4."""

    name: str
    hex: str
    security: str
    kind: str
    level: int
    open: bool = False
    entry: Entry | None = None

    @property
    def signal(self) -> str:
        """The level in a word."""
        return _SIGNALS[self.level - 1]


def rows(networks: Iterable[Network], chosen: bytes | None, entry: Entry | None) -> list[Row]:
    """At most MOST of them: the one chosen before first and open, those that cannot be joined last.

    `entry` is what was filled in for the chosen one. The order is otherwise kept.
    """
    ranked = sorted(
        networks, key=lambda each: (each.ssid != chosen, each.security is Security.UNSUPPORTED)
    )
    made: list[Row] = []
    for network in ranked[:MOST]:
        is_chosen = network.ssid == chosen and not any(row.open for row in made)
        made.append(_row(network, is_chosen, entry if is_chosen else None))
    return made


def _row(network: Network, is_chosen: bool, entry: Entry | None) -> Row:
    kind = _KINDS.get(network.security, "secured")
    level = 1 + min(max(network.strength, 0) // 25, 3)
    ssid = network.ssid
    return Row(printable(ssid), ssid.hex(), network.security, kind, level, is_chosen, entry)

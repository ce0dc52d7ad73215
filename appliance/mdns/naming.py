"""Names on the local network: valid ones, and others where a name is taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

_LONGEST = 63  # bytes of a label (RFC 1035, 2.3.4)
_COUNTED = 4  # as many renamings count up; then chance decides, so that many clones soon differ
_CHANCE = (10, 9999)

Pick = Callable[[int, int], int]  # random.randint and its like


@dataclass(frozen=True, slots=True)
class Names:
    """What one device calls itself; each rename counts the names that were taken.

    `own_host` is a host label, `own_instance` a name for people, `short` tells devices apart.
    """

    own_host: str
    own_instance: str
    short: str
    host_try: int = 0
    instance_try: int = 0
    chance: int = 0

    @property
    def host(self) -> str:
        """Label of the host name, without `.local`."""
        if self.host_try == 0:
            return _cut(self.own_host)
        return _cut(self.own_host, f"-{self._number(self.host_try) + 1}")

    @property
    def instance(self) -> str:
        """Label of every service (RFC 6763, 4.1.1)."""
        base = _cut(_clean(self.own_instance) or "Luna")
        if self.instance_try == 0:
            return base
        has_digits = base.lower().endswith(self.short.lower())
        number = self._number(self.instance_try) + has_digits
        digits = "" if has_digits else f" {self.short}"
        return _cut(base, f"{digits} ({number})" if number > 1 else digits)

    def host_taken(self, pick: Pick) -> Names:
        """The next host name to try."""
        return replace(self, host_try=self.host_try + 1, chance=pick(*_CHANCE))

    def instance_taken(self, pick: Pick) -> Names:
        """The next instance name to try."""
        return replace(self, instance_try=self.instance_try + 1, chance=pick(*_CHANCE))

    def _number(self, tries: int) -> int:
        return tries if tries <= _COUNTED else self.chance


def _clean(text: str) -> str:
    """Without control characters, which are forbidden, and dots, which end a label for zeroconf."""
    return " ".join("".join(c if c.isprintable() and c != "." else " " for c in text).split())


def _cut(text: str, suffix: str = "") -> str:
    """`text` and `suffix`, with as much of `text` as a label can hold."""
    room = _LONGEST - len(suffix.encode())
    return text.encode()[:room].decode("utf-8", "ignore").rstrip() + suffix

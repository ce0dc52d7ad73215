"""Networks on the air, remembered: while the radio is an access point it may not hear any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from provisioning.credentials import Security
from provisioning.nm.access_point import AccessPoint
from provisioning.nm.snapshot import Snapshot

_FORGET_AFTER: Final = 900.0


@dataclass(frozen=True, slots=True)
class Network:
    """A network by name and protection, as its strongest access point was heard.

    `strength` is 0 to 100, `frequency` in MHz, `seen` in seconds of the survey's clock.
    """

    ssid: bytes
    security: Security
    strength: int
    frequency: int
    seen: float


class Survey:
    """What was heard lately; `own` is the name of the setup network, which is not listed."""

    def __init__(self, own: bytes) -> None:
        self._own = own
        self._heard: dict[tuple[bytes, Security], Network] = {}
        self._scans: dict[str, int] = {}  # by radio: when the one was that is taken in already
        self._crowd: tuple[tuple[int, int], ...] = ()

    def update(self, snapshot: Snapshot, now: float) -> None:
        """Take in what the radios have heard since the last time: old lists tell nothing new."""
        ours = {radio.address for radio in snapshot.radios}
        heard: list[AccessPoint] = []
        for radio in snapshot.radios:
            if self._scans.get(radio.path, -1) != radio.last_scan:
                self._scans[radio.path] = radio.last_scan
                heard += snapshot.heard_by(radio)
        points = [
            each
            for each in sorted(heard, key=lambda point: point.strength)
            if each.joinable and each.address not in ours and each.ssid != self._own
        ]
        fresh = {(each.ssid, each.security): _network(each, now) for each in points if each.ssid}
        self._heard = {
            key: network
            for key, network in (self._heard | fresh).items()
            if now - network.seen < _FORGET_AFTER
        }
        if points:
            self._crowd = tuple((each.frequency, each.strength) for each in points)

    def networks(self) -> tuple[Network, ...]:
        """All of them, those heard last and best first."""
        latest = max((network.seen for network in self._heard.values()), default=0.0)
        return tuple(
            sorted(
                self._heard.values(),
                key=lambda each: (each.seen < latest, -each.strength, each.ssid),
            )
        )

    def age(self, now: float) -> float | None:
        """Seconds since something was heard; None before that."""
        latest = max((network.seen for network in self._heard.values()), default=None)
        return None if latest is None else max(now - latest, 0.0)

    def crowd(self) -> tuple[tuple[int, int], ...]:
        """Frequency and strength of every access point that was heard last."""
        return self._crowd


def _network(point: AccessPoint, now: float) -> Network:
    return Network(point.ssid, point.security, point.strength, point.frequency, now)

"""Which radio does what, where there are several."""

from __future__ import annotations

from provisioning.nm.snapshot import Snapshot
from provisioning.nm.wireless import Radio
from provisioning.payloads import SETUP_UUID


def hosting(snapshot: Snapshot) -> Radio | None:
    """The radio that carries the setup network now, also while that is still starting."""
    for active in snapshot.actives.values():
        if active.uuid == SETUP_UUID:
            for path in active.devices:
                return snapshot.radio(path)
    return None


def to_join(snapshot: Snapshot) -> Radio | None:
    """The radio that joins: one that is online already, else a free one, else the host."""
    host = hosting(snapshot)
    ranked = sorted(
        snapshot.usable_radios,
        key=lambda radio: (host is not None and radio.path == host.path, not radio.online),
    )
    return next(iter(ranked), None)


def to_host(snapshot: Snapshot) -> Radio | None:
    """The radio for the setup network: one that is free, if it can; the least useful one first."""
    able = [radio for radio in snapshot.usable_radios if radio.can_host]
    return min(able, key=lambda radio: (radio.online, -_rank(snapshot, radio)), default=None)


def _rank(snapshot: Snapshot, radio: Radio) -> int:
    """Later interfaces host, so that the first one is free to join."""
    return snapshot.radios.index(radio)

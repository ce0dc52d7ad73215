"""A look at known networks: the best one that is there is joined."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

from provisioning import hotspot, radios
from provisioning.attempt import Patience, watch
from provisioning.credentials import printable
from provisioning.means import Means
from provisioning.nm import manager, settings, snapshot
from provisioning.nm.access_point import AccessPoint
from provisioning.nm.names import NOTHING
from provisioning.nm.profile import Profile
from provisioning.scan import scan

_PATIENCE: Final = Patience(associate=20.0, address=25.0)
_log = logging.getLogger(__name__)


async def retry(means: Means) -> bool:
    """Whether a known network has been joined. Raises NetworkManagerError or BusError."""
    found = await snapshot.look(means.link)
    radio = radios.to_join(found)
    if radio is None:
        return False
    if radios.hosting(found) is not None:
        await hotspot.stop(means)
    known = [each for each in await settings.profiles(means.link) if each.joins]
    hidden = tuple(each.ssid for each in known if each.hidden)
    found = await scan(means, radio.path, hidden)
    now = found.radio(radio.path)
    for profile, point in candidates(known, () if now is None else found.heard_by(now)):
        _log.info("known network %s is tried", printable(profile.ssid))
        with means.feed.listening() as signals:
            active = await manager.activate(means.link, profile.path, radio.path, point)
            paths = (radio.path, active)
            ending = await watch(means.link, means.clock, signals, paths, _PATIENCE)
        if ending.up:
            return True
    return False


def candidates(
    known: Iterable[Profile], heard: Iterable[AccessPoint]
) -> tuple[tuple[Profile, str], ...]:
    """Profiles worth a try with the access point to use, best first.

    First those that are heard: by priority, then by who was used last, then by strength.
    """
    points = sorted((each for each in heard if each.joinable), key=lambda each: each.strength)
    strongest = {point.ssid: point for point in points}
    seen = [(each, strongest[each.ssid]) for each in known if each.ssid in strongest]
    seen.sort(key=lambda pair: (-pair[0].priority, -pair[0].used, -pair[1].strength))
    unseen = [(each, NOTHING) for each in known if each.hidden and each.ssid not in strongest]
    return (*((each, point.path) for each, point in seen), *unseen)

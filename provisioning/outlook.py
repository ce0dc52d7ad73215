"""What NetworkManager knows, in the words of the machine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from provisioning import hotspot, radios
from provisioning.means import Means
from provisioning.nm import settings, snapshot
from provisioning.nm.device import Device
from provisioning.nm.profile import Profile
from provisioning.nm.snapshot import Snapshot
from provisioning.nm.wireless import Radio
from provisioning.situation import World

# How many phones are on the setup network of an interface.
Guests = Callable[[str], Awaitable[int]]


async def look(means: Means, guests: Guests) -> World:
    """The world now. Raises NetworkManagerError or BusError."""
    found = await snapshot.look(means.link)
    means.survey.update(found, means.clock.now())
    host = radios.hosting(found)
    there = 0
    if host is not None and hotspot.is_up(found):
        there = await guests(host.device.interface)
    return describe(found, await settings.profiles(means.link), there)


def describe(found: Snapshot, profiles: Iterable[Profile], guests: int) -> World:
    """The world as a snapshot shows it.

    A cable counts when a way leads further from it: a lone laptop at the other end, or a cable
    to nowhere with an address that the box gave itself, does not put the box in reach.
    """
    host = radios.hosting(found)
    others = [device for device in found.devices.values() if not _is(device, host)]
    usable = found.usable_radios
    return World(
        manager=True,
        radios=len(usable),
        can_host=any(radio.can_host for radio in usable),
        wired=any(each.wired and each.connected and found.routed(each) for each in others),
        wireless=any(radio.online and not _is(radio.device, host) for radio in usable),
        pending=any(each.managed and each.connecting for each in others),
        known=any(each.joins for each in profiles),
        hosting=hotspot.is_up(found),
        guests=guests,
    )


def _is(device: Device, host: Radio | None) -> bool:
    return host is not None and device.path == host.path

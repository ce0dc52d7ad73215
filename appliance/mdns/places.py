"""Where to announce, and with which addresses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch

from appliance.settings import MdnsSettings
from appliance.system.netlink import Address, Link, Network


@dataclass(frozen=True, slots=True)
class Place:
    """An interface; `addresses` are told to others, IPv4 first; packets leave from `senders`.

    `senders` are at most one address of each family.
    """

    interface: str
    index: int
    addresses: tuple[str, ...]
    senders: tuple[str, ...]


def places(network: Network, settings: MdnsSettings) -> tuple[Place, ...]:
    """Every interface that others can be reached through."""
    found = (
        _place(link, [each for each in network.addresses if each.interface == link.name])
        for link in network.links
        if _suits(link) and _wanted(link.name, settings)
    )
    return tuple(place for place in found if place.addresses)


def _suits(link: Link) -> bool:
    return link.running and link.multicast and not (link.loopback or link.point_to_point)


def _wanted(name: str, settings: MdnsSettings) -> bool:
    if settings.interfaces:
        return any(fnmatch(name, pattern) for pattern in settings.interfaces)
    return not any(fnmatch(name, pattern) for pattern in settings.ignore)


def _place(link: Link, found: Sequence[Address]) -> Place:
    usable = [each for each in found if each.usable]
    four = [each for each in usable if each.family == 4]
    six = [each for each in usable if each.family == 6]
    return Place(
        interface=link.name,
        index=link.index,
        addresses=(*_told(four), *_told([each for each in six if not each.temporary])),
        # RFC 6762, 11: who receives it must see that it comes from its own link.
        senders=(*_told(four)[:1], *(_local(six) or _told(six))[:1]),
    )


def _told(found: Sequence[Address]) -> tuple[str, ...]:
    """Link-local addresses only where there are no others: clients would need a scope, or fail."""
    routable = [each.address for each in found if not each.link_local]
    return tuple(sorted(routable or [each.address for each in found]))


def _local(found: Sequence[Address]) -> tuple[str, ...]:
    return tuple(sorted(each.address for each in found if each.link_local))

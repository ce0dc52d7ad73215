"""Everything that NetworkManager knows, read in one call and parsed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from provisioning.nm import manager
from provisioning.nm.access_point import AccessPoint
from provisioning.nm.active import Active
from provisioning.nm.device import Device
from provisioning.nm.ip_config import IpConfig
from provisioning.nm.link import Link
from provisioning.nm.manager import Objects
from provisioning.nm.names import ACCESS_POINT, ACTIVE, DEVICE, IP4, IP6, WIRELESS
from provisioning.nm.wireless import Radio


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Objects by their path; radios by their device's interface name, in order."""

    devices: Mapping[str, Device] = field(default_factory=dict)
    radios: tuple[Radio, ...] = ()
    access_points: Mapping[str, AccessPoint] = field(default_factory=dict)
    actives: Mapping[str, Active] = field(default_factory=dict)
    addresses: Mapping[str, IpConfig] = field(default_factory=dict)

    @classmethod
    def parse(cls, objects: Objects) -> Self:
        """From all managed objects."""
        devices = {path: Device.parse(path, found) for path, found in _of(objects, DEVICE)}
        radios = (Radio.parse(devices[path], found) for path, found in _of(objects, WIRELESS))
        both = (*_of(objects, IP4), *_of(objects, IP6))
        return cls(
            devices=devices,
            radios=tuple(sorted(radios, key=lambda radio: radio.device.interface)),
            access_points={
                p: AccessPoint.parse(p, found) for p, found in _of(objects, ACCESS_POINT)
            },
            actives={path: Active.parse(path, found) for path, found in _of(objects, ACTIVE)},
            addresses={path: IpConfig.parse(found) for path, found in both},
        )

    @property
    def usable_radios(self) -> tuple[Radio, ...]:
        """Radios that NetworkManager can use now: not switched off, not without firmware."""
        return tuple(radio for radio in self.radios if radio.device.usable)

    def routed(self, device: Device) -> bool:
        """Whether a way leads further from there."""
        found = (self.addresses.get(path) for path in (device.ip4, device.ip6))
        return any(each is not None and each.gateway for each in found)

    def addresses_of(self, path: str) -> tuple[str, ...]:
        """IPv4 addresses of a device as `address/prefix`, else its IPv6 ones."""
        device = self.devices.get(path)
        both = () if device is None else (device.ip4, device.ip6)
        found = (self.addresses[each].addresses for each in both if each in self.addresses)
        return next(filter(None, found), ())

    def heard_by(self, radio: Radio) -> tuple[AccessPoint, ...]:
        """Access points that a radio knows of; without those that went meanwhile."""
        found = (self.access_points.get(path) for path in radio.access_points)
        return tuple(each for each in found if each is not None)

    def radio(self, path: str) -> Radio | None:
        """The radio of a device."""
        return next((radio for radio in self.radios if radio.path == path), None)


async def look(link: Link) -> Snapshot:
    """Everything as it is now."""
    return Snapshot.parse(await manager.objects(link))


def _of(objects: Objects, interface: str) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((path, found[interface]) for path, found in objects.items() if interface in found)

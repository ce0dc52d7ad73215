"""org.freedesktop.NetworkManager.Device.Wireless: what only a radio has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from appliance.system.bus import Variant
from provisioning.nm.device import Device
from provisioning.nm.link import Link
from provisioning.nm.names import WIRELESS, Capability, Mode


@dataclass(frozen=True, slots=True)
class Radio:
    """A WiFi device; `last_scan` is in milliseconds since boot, -1 before the first."""

    device: Device
    address: str
    capabilities: Capability
    mode: int
    last_scan: int
    access_points: tuple[str, ...]
    joined: str

    @classmethod
    def parse(cls, device: Device, properties: Mapping[str, Any]) -> Self:
        """From its properties of this interface."""
        return cls(
            device=device,
            address=str(properties["HwAddress"]).upper(),
            capabilities=Capability(properties["WirelessCapabilities"]),
            mode=int(properties["Mode"]),
            last_scan=int(properties["LastScan"]),
            access_points=tuple(map(str, properties["AccessPoints"])),
            joined=str(properties["ActiveAccessPoint"]),
        )

    @property
    def path(self) -> str:
        """Of the device."""
        return self.device.path

    @property
    def can_host(self) -> bool:
        """It can be an access point."""
        return Capability.ACCESS_POINT in self.capabilities

    @property
    def hosting(self) -> bool:
        """It is an access point."""
        return self.mode == Mode.ACCESS_POINT and self.device.connected

    @property
    def online(self) -> bool:
        """It has joined a network."""
        return self.mode != Mode.ACCESS_POINT and self.device.connected

    @property
    def only_5ghz(self) -> bool:
        """It has no 2.4 GHz band; a radio that does not tell has one."""
        return (
            Capability.FREQUENCIES_KNOWN in self.capabilities
            and Capability.BAND_2GHZ not in self.capabilities
        )


async def request_scan(link: Link, path: str, ssids: tuple[bytes, ...] = ()) -> None:
    """Begin a scan; hidden networks answer when their names are called."""
    options = {"ssids": Variant("aay", list(ssids))} if ssids else {}
    await link.call(path, WIRELESS, "RequestScan", "a{sv}", options)


async def last_scan(link: Link, path: str) -> int:
    """When the last scan ended, as `Radio.last_scan`."""
    return int(await link.get(path, WIRELESS, "LastScan"))

"""org.freedesktop.NetworkManager.Device: a network interface."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from provisioning.nm.link import Link
from provisioning.nm.names import DEVICE, NOTHING, DeviceKind, DeviceState

_WIRED: Final = frozenset(DeviceKind) - {DeviceKind.WIFI}
_BUSY: Final = range(DeviceState.PREPARE, DeviceState.ACTIVATED)


@dataclass(frozen=True, slots=True)
class Device:
    """`active` is the path of the active connection; it and those of addresses may be NOTHING."""

    path: str
    interface: str
    kind: int
    state: int
    managed: bool
    active: str = NOTHING
    ip4: str = NOTHING
    ip6: str = NOTHING

    @classmethod
    def parse(cls, path: str, properties: Mapping[str, Any]) -> Self:
        """From its properties."""
        return cls(
            path=path,
            interface=str(properties["Interface"]),
            kind=int(properties["DeviceType"]),
            state=int(properties["State"]),
            managed=bool(properties["Managed"]),
            active=str(properties["ActiveConnection"]),
            ip4=str(properties["Ip4Config"]),
            ip6=str(properties["Ip6Config"]),
        )

    @property
    def wired(self) -> bool:
        """It takes a cable."""
        return self.kind in _WIRED

    @property
    def usable(self) -> bool:
        """NetworkManager may do something with it now."""
        return self.managed and self.state >= DeviceState.DISCONNECTED

    @property
    def connecting(self) -> bool:
        """On its way to a connection."""
        return self.state in _BUSY

    @property
    def connected(self) -> bool:
        """It has a connection with addresses."""
        return self.state == DeviceState.ACTIVATED


async def state(link: Link, path: str) -> tuple[int, int]:
    """State of the device and the reason of its last change."""
    now, reason = await link.get(path, DEVICE, "StateReason")
    return int(now), int(reason)

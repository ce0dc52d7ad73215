"""org.freedesktop.NetworkManager.AccessPoint: one base station that a radio has heard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from provisioning.credentials import Security, security_of
from provisioning.nm.names import Mode


@dataclass(frozen=True, slots=True)
class AccessPoint:
    """`ssid` is empty where the name is hidden; `strength` is 0 to 100, `frequency` in MHz."""

    path: str
    ssid: bytes
    address: str
    strength: int
    frequency: int
    security: Security
    mode: int

    @classmethod
    def parse(cls, path: str, properties: Mapping[str, Any]) -> Self:
        """From its properties."""
        return cls(
            path=path,
            ssid=bytes(properties["Ssid"]),
            address=str(properties["HwAddress"]).upper(),
            strength=int(properties["Strength"]),
            frequency=int(properties["Frequency"]),
            security=security_of(
                properties["Flags"], properties["WpaFlags"], properties["RsnFlags"]
            ),
            mode=int(properties["Mode"]),
        )

    @property
    def joinable(self) -> bool:
        """A base station; not a mesh or an ad-hoc network."""
        return self.mode in (Mode.STATION, Mode.UNKNOWN)

"""org.freedesktop.NetworkManager.IP4Config and IP6Config: the addresses of a device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class IpConfig:
    """`addresses` are `address/prefix`; `gateway` is empty where there is none."""

    gateway: str = ""
    addresses: tuple[str, ...] = ()

    @classmethod
    def parse(cls, properties: Mapping[str, Any]) -> Self:
        """From its properties."""
        data = properties.get("AddressData", [])
        return cls(
            gateway=str(properties.get("Gateway", "")),
            addresses=tuple(f"{each['address']}/{each['prefix']}" for each in data),
        )

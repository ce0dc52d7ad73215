"""org.freedesktop.NetworkManager.Settings.Connection: a profile, which is how to join a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from provisioning.nm.link import Link
from provisioning.nm.names import PROFILE, Save


@dataclass(frozen=True, slots=True)
class Profile:
    """Of a WiFi network; `used` is in seconds since 1970, 0 if it never worked."""

    path: str
    uuid: str
    ssid: bytes
    mode: str
    hidden: bool
    key_management: str
    priority: int
    used: int

    @classmethod
    def parse(cls, path: str, settings: Mapping[str, Mapping[str, Any]]) -> Self | None:
        """From its settings; None for what is no WiFi network."""
        wireless = settings.get("802-11-wireless")
        if wireless is None:
            return None
        connection = settings["connection"]
        return cls(
            path=path,
            uuid=str(connection["uuid"]),
            ssid=bytes(wireless.get("ssid", b"")),
            mode=str(wireless.get("mode", "infrastructure")),
            hidden=bool(wireless.get("hidden", False)),
            key_management=str(settings.get("802-11-wireless-security", {}).get("key-mgmt", "")),
            priority=int(connection.get("autoconnect-priority", 0)),
            used=int(connection.get("timestamp", 0)),
        )

    @property
    def joins(self) -> bool:
        """It is for joining a network, not for making one."""
        return self.mode == "infrastructure"


async def read(link: Link, path: str) -> Profile | None:
    """A profile without its secrets, which NetworkManager does not tell here."""
    (settings,) = await link.call(path, PROFILE, "GetSettings")
    return Profile.parse(path, settings)


async def save(link: Link, path: str) -> None:
    """Keep a profile of the memory on disk, with its secrets (empty settings change nothing)."""
    await link.call(path, PROFILE, "Update2", "a{sa{sv}}ua{sv}", {}, int(Save.TO_DISK), {})


async def delete(link: Link, path: str) -> None:
    """Forget a profile; ends a connection that uses it."""
    await link.call(path, PROFILE, "Delete")

"""org.freedesktop.NetworkManager.Connection.Active: a profile that is in use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from provisioning.nm.link import Link
from provisioning.nm.names import ACTIVE, ActiveState


@dataclass(frozen=True, slots=True)
class Active:
    """`profile` is the path of the settings, `uuid` theirs."""

    path: str
    profile: str
    uuid: str
    state: int
    devices: tuple[str, ...]

    @classmethod
    def parse(cls, path: str, properties: Mapping[str, Any]) -> Self:
        """From its properties."""
        return cls(
            path=path,
            profile=str(properties["Connection"]),
            uuid=str(properties["Uuid"]),
            state=int(properties["State"]),
            devices=tuple(map(str, properties["Devices"])),
        )

    @property
    def up(self) -> bool:
        """Fully there."""
        return self.state == ActiveState.ACTIVATED


async def state(link: Link, path: str) -> int:
    """Its state now. Raises Gone when it has ended."""
    return int(await link.get(path, ACTIVE, "State"))

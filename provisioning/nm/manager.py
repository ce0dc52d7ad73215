"""org.freedesktop.NetworkManager: the top of it all."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from appliance.system.bus import Variant
from provisioning.nm.link import Link
from provisioning.nm.names import MANAGER, NOTHING, ROOT, SERVICE
from provisioning.nm.settings import Payload

_OBJECT_MANAGER: Final = "org.freedesktop.DBus.ObjectManager"

# Object path → interface → properties.
Objects = dict[str, dict[str, dict[str, Any]]]


class Persist(StrEnum):
    """How long a new profile is kept."""

    MEMORY = "memory"
    VOLATILE = "volatile"  # until it is not in use any more


async def objects(link: Link) -> Objects:
    """Everything there is, at one moment."""
    (found,) = await link.call(ROOT, _OBJECT_MANAGER, "GetManagedObjects")
    return dict(found)


async def add_and_activate(
    link: Link,
    payload: Payload,
    device: str,
    access_point: str = NOTHING,
    *,
    persist: Persist,
    die_with_us: bool = False,
) -> tuple[str, str]:
    """Use a new profile on a device; paths of the profile and of the active connection.

    With `die_with_us` the connection ends with this process's connection to the bus.
    """
    options = {"persist": Variant("s", persist)}
    if die_with_us:
        options["bind-activation"] = Variant("s", "dbus-client")
    profile, active, _ = await link.call(
        MANAGER,
        SERVICE,
        "AddAndActivateConnection2",
        "a{sa{sv}}ooa{sv}",
        payload,
        device,
        access_point,
        options,
    )
    return str(profile), str(active)


async def activate(link: Link, profile: str, device: str, access_point: str = NOTHING) -> str:
    """Use a profile that is there; the path of the active connection."""
    (active,) = await link.call(
        MANAGER, SERVICE, "ActivateConnection", "ooo", profile, device, access_point
    )
    return str(active)


async def deactivate(link: Link, active: str) -> None:
    """End an active connection."""
    await link.call(MANAGER, SERVICE, "DeactivateConnection", "o", active)


async def permissions(link: Link) -> dict[str, str]:
    """What this process may do: "yes", "auth" (not for a service) or "no" by polkit action."""
    (found,) = await link.call(MANAGER, SERVICE, "GetPermissions")
    return {str(action): str(answer) for action, answer in found.items()}

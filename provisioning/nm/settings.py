"""org.freedesktop.NetworkManager.Settings: all profiles."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.system.bus import Variant
from provisioning.nm import profile
from provisioning.nm.link import Gone, Link
from provisioning.nm.names import SETTINGS, SETTINGS_INTERFACE, Save
from provisioning.nm.profile import Profile

# What NetworkManager takes: sections of keys of values.
Payload = Mapping[str, Mapping[str, Variant]]


async def profiles(link: Link) -> tuple[Profile, ...]:
    """Every profile of a WiFi network."""
    (paths,) = await link.call(SETTINGS, SETTINGS_INTERFACE, "ListConnections")
    found = []
    for path in paths:
        try:
            found.append(await profile.read(link, path))
        except Gone:  # deleted since it was listed
            continue
    return tuple(each for each in found if each is not None)


async def add(link: Link, payload: Payload) -> str:
    """Keep a new profile on disk; returns its path."""
    signature = "a{sa{sv}}ua{sv}"
    flags = int(Save.TO_DISK)
    path, _ = await link.call(
        SETTINGS, SETTINGS_INTERFACE, "AddConnection2", signature, payload, flags, {}
    )
    return str(path)

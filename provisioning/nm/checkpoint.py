"""org.freedesktop.NetworkManager.Checkpoint: a state to come back to.

NetworkManager rolls back by itself when the time is over, also when this process has died.
"""

from __future__ import annotations

from provisioning.nm.link import Link
from provisioning.nm.names import MANAGER, SERVICE, CheckpointFlag


async def create(link: Link, device: str, seconds: int) -> str:
    """Remember what a device does, for so many seconds; the checkpoint's path."""
    (path,) = await link.call(
        MANAGER,
        SERVICE,
        "CheckpointCreate",
        "aouu",
        [device],
        seconds,
        int(CheckpointFlag.DELETE_NEW_CONNECTIONS),
    )
    return str(path)


async def destroy(link: Link, path: str) -> None:
    """Go on with what is now."""
    await link.call(MANAGER, SERVICE, "CheckpointDestroy", "o", path)


async def rollback(link: Link, path: str) -> bool:
    """Go back; whether every device could."""
    (results,) = await link.call(MANAGER, SERVICE, "CheckpointRollback", "o", path)
    return all(result == 0 for result in results.values())

"""Whether NetworkManager lets this service do its work, asked before it is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from provisioning.nm.names import SERVICE

# polkit action of NetworkManager → what does not work without it.
NEEDED: Final = {
    "network-control": "networks can be neither joined nor left",
    "wifi.scan": "the list of networks stays empty",
    "settings.modify.system": "networks can be neither saved nor forgotten",
    "wifi.share.protected": "the setup network cannot have a passphrase",
    "wifi.share.open": "there can be no open setup network",
    "checkpoint-rollback": "a network is not restored after a failed change",
}


def problems(granted: Mapping[str, str]) -> tuple[str, ...]:
    """A sentence for everything that is missing from the answer of GetPermissions."""
    return tuple(
        f"NetworkManager's permission {action} is missing, so {consequence}; "
        "install the polkit rules 50-luna.rules and restart polkit."
        for action, consequence in NEEDED.items()
        if granted.get(f"{SERVICE}.{action}") != "yes"
    )

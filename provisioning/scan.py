"""One scan, waited for."""

from __future__ import annotations

import logging
from typing import Final

from provisioning.means import Means
from provisioning.nm import snapshot, wireless
from provisioning.nm.link import NetworkManagerError
from provisioning.nm.snapshot import Snapshot

SCAN_SECONDS: Final = 12.0  # both bands, some channels of which may only be listened to
_GLANCE: Final = 0.25
_log = logging.getLogger(__name__)


async def scan(means: Means, radio: str, ssids: tuple[bytes, ...] = ()) -> Snapshot:
    """What is there after a scan by the radio; `ssids` are called by name, as hidden ones need it.

    A scan that is refused (many drivers do as an access point) or takes too long is none: then
    this is simply what is there. Raises Gone when the radio is.
    """
    before = await wireless.last_scan(means.link, radio)
    try:
        await wireless.request_scan(means.link, radio, ssids)
        async with means.clock.limit(SCAN_SECONDS):
            while await wireless.last_scan(means.link, radio) == before:
                await means.clock.sleep(_GLANCE)
    except NetworkManagerError as error:
        _log.info("no scan now: %s", error)
    except TimeoutError:
        _log.info("the scan did not end in time")
    found = await snapshot.look(means.link)
    means.survey.update(found, means.clock.now())
    return found

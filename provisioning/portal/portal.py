"""The whole portal: its sockets, its application, its servers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from appliance.errors import ConfigError
from appliance.system.activation import inherited
from provisioning.country import Country
from provisioning.payloads import SetupNetwork
from provisioning.portal.bridge import Bridge
from provisioning.portal.key import OwnerKey
from provisioning.portal.languages import read_languages
from provisioning.portal.onboarding import Onboarding
from provisioning.portal.place import Place
from provisioning.portal.server import PortalServer, listen
from provisioning.portal.site import Site

_log = logging.getLogger(__name__)


class Portal:
    """Serves the setup page on the setup network's addresses, from `start` until `stop`.

    The sockets are systemd's, or opened here; `name` is the host name. Raises ConfigError if
    there are none to be had.
    """

    def __init__(
        self,
        onboarding: Onboarding,
        setup: SetupNetwork,
        name: str,
        environ: Mapping[str, str],
        port: int = 80,
    ) -> None:
        place = Place.on(setup, name)
        sockets = inherited(environ) or [listen(host, port) for host in place.hosts]
        self.place = replace(place, port=sockets[0].getsockname()[1])
        site = Site(onboarding, self.place, read_languages(), key=OwnerKey(Path("/")))
        self._servers = [PortalServer(site, each) for each in sockets]

    def start(self) -> None:
        """Serve from now on; returns at once."""
        for server in self._servers:
            server.start()

    def stop(self) -> None:
        """Answer what was asked, for some seconds, and close; to be called once, after `start`."""
        for server in self._servers:
            server.stop()


@asynccontextmanager
async def offered(
    country: Country, setup: SetupNetwork, name: str, environ: Mapping[str, str]
) -> AsyncIterator[Bridge]:
    """A portal beside the event loop, and the bridge to attach the service to.

    Where it cannot listen there is none, with a word in the log: joining by other ways still works.
    """
    bridge = Bridge(country)
    try:
        portal = Portal(bridge, setup, name, environ)
    except ConfigError as error:
        _log.error("%s", error)
        yield bridge
        return
    portal.start()
    try:
        yield bridge
    finally:
        # In a thread, because answers under way may wait for this loop.
        await asyncio.to_thread(portal.stop)

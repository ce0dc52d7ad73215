"""A provisioning service that does what a test tells it, and a portal in front of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from appliance.errors import Retryable
from provisioning.credentials import Credentials, Security
from provisioning.portal.languages import read_languages
from provisioning.portal.onboarding import Situation
from provisioning.portal.place import Place
from provisioning.portal.server import PortalServer, listen
from provisioning.portal.site import Site
from provisioning.portal.visitors import Visitors
from provisioning.results import Outcome, result
from provisioning.situation import State
from provisioning.survey import Network

NAME = "luna-4f2a"
SETUP = "Luna-4F2A"
HOME = Network(b"Home", Security.TRANSITION, 82, 2437, 0.0)
NETWORKS = (
    HOME,
    Network("Café Zoë 🌙".encode(), Security.PSK, 64, 5180, 0.0),
    Network(b"Guests", Security.OPEN, 55, 2412, 0.0),
    Network(b"eduroam", Security.ENTERPRISE, 40, 5240, 0.0),
    Network(b"latin-1 \xe9", Security.SAE, 21, 2462, 0.0),
    Network(b"<b>&\"'`", Security.PSK, 19, 2462, 0.0),
    Network(b"Museum", Security.UNSUPPORTED, 12, 2462, 0.0),
)
LATER = Network(b"Appeared later", Security.PSK, 70, 2437, 0.0)


class PretendOnboarding:
    """Implements Onboarding; what is asked of it is kept."""

    def __init__(self, *, stays: bool = False) -> None:
        self.now = Situation(State.HOTSPOT, NETWORKS, 130.0, stays)
        self.asked: list[tuple[Credentials, float]] = []
        self.scans = 0
        self.busy = False

    def situation(self) -> Situation:
        return self.now

    def rescan(self) -> None:
        self.scans += 1
        self.now = replace(self.now, networks=(LATER, *NETWORKS), age=0.0)

    def join(self, credentials: Credentials, after: float) -> None:
        if self.busy:
            raise Retryable("Luna is joining another network.")
        self.asked.append((credentials, after))
        self.now = replace(self.now, joining=credentials.ssid)

    def countries(self) -> tuple[str, ...]:
        return ("AT", "DE", "ES", "GB", "US")

    def set_country(self, country: str) -> None:
        self.now = replace(self.now, country=country)

    def end(self, outcome: Outcome, *addresses: str) -> None:
        """The attempt ends; after a good one the setup network stays for a while."""
        ssid = self.now.joining or HOME.ssid
        good = outcome is Outcome.CONNECTED
        self.now = replace(
            self.now,
            state=State.ONLINE if good else State.HOTSPOT,
            joining=None,
            result=result(ssid, outcome, addresses=addresses),
        )


class Portal:
    """A portal on the loopback interface; `address` may be any that begins with 127."""

    def __init__(self, onboarding: PretendOnboarding, address: str) -> None:
        self.onboarding = onboarding
        self.visitors = Visitors()
        listener = listen(address, 0)
        self.place = Place(NAME, SETUP, (f"{address}/8",), listener.getsockname()[1])
        self.site = Site(onboarding, self.place, read_languages(), self.visitors)
        self.server = PortalServer(self.site, listener)

    @property
    def url(self) -> str:
        return self.place.home


@contextmanager
def portal(*, stays: bool = False, address: str = "127.0.0.1") -> Iterator[Portal]:
    """A portal that serves until the end of the block."""
    running = Portal(PretendOnboarding(stays=stays), address)
    running.server.start()
    try:
        yield running
    finally:
        running.server.stop()

"""The provisioning service as the portal's threads see it: calls go to its event loop and back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from appliance.errors import LunaError, Retryable
from appliance.system.bus import BusError
from provisioning import radios
from provisioning.country import Country
from provisioning.credentials import Credentials
from provisioning.nm import snapshot
from provisioning.nm.link import NetworkManagerError
from provisioning.portal.countries import COUNTRIES
from provisioning.portal.onboarding import Situation
from provisioning.scan import SCAN_SECONDS, scan
from provisioning.service import Service
from provisioning.situation import State

_SECONDS: Final = 10.0
_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class Away(Retryable):
    """The service has no bus, or does not answer."""

    code = "provisioning_away"


@dataclass(frozen=True, slots=True)
class _Asked:
    """A join that a phone asked for, with the number of the one before it."""

    ssid: bytes
    after: int


class Bridge:
    """Implements Onboarding; made in the event loop, with which it lives.

    The service is new after the bus was lost, so it is handed in by `attach`, and None meanwhile.
    """

    def __init__(self, country: Country) -> None:
        self._country = country
        self._loop = asyncio.get_running_loop()
        self._service: Service | None = None
        self._asked: _Asked | None = None

    def attach(self, service: Service | None) -> None:
        """Speak for this service from now on."""
        self._service = service
        self._asked = None

    def situation(self) -> Situation:
        """How things are now; everything that is read here is replaced whole, never changed."""
        service, asked = self._service, self._asked
        if service is None:
            return Situation(State.WAITING, country=self._country.code)
        model, attempt = service.model, service.attempt
        survey = service.means.survey
        about_to = asked is not None and asked.after == service.number
        joining = asked.ssid if asked is not None and about_to else service.joining
        return Situation(
            state=model.state if joining is None else State.JOINING,
            networks=survey.networks(),
            age=survey.age(service.means.clock.now()),
            stays=model.world.radios > 1,
            joining=joining,
            result=attempt.result if attempt else None,
            country=self._country.code,
        )

    def rescan(self) -> None:
        """Look for networks; where that fails, the list stays as it is."""
        self._wait(self._rescan(), SCAN_SECONDS + _SECONDS)

    def join(self, credentials: Credentials, after: float) -> None:
        """Begin to join in `after` seconds. Raises Retryable."""
        self._wait(self._join(credentials, after), _SECONDS)

    def countries(self) -> tuple[str, ...]:
        """All with rules of their own."""
        return COUNTRIES

    def set_country(self, country: str) -> None:
        """Keep to that country's rules. Raises LunaError."""
        self._wait(self._country.set(country), _SECONDS)

    def _wait(self, work: Coroutine[Any, Any, _T], seconds: float) -> _T:
        future: Future[_T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(seconds)
        except TimeoutError as error:
            future.cancel()
            raise Away("The service does not answer; try again in a minute.") from error

    def _present(self) -> Service:
        if self._service is None:
            raise Away("The message bus is gone; try again in a minute.")
        return self._service

    async def _rescan(self) -> None:
        service = self._present()
        try:
            radio = radios.to_join(await snapshot.look(service.means.link))
            if radio is not None:
                await scan(service.means, radio.path)
        except (NetworkManagerError, BusError) as error:
            _log.info("no scan for the portal: %s", error)

    async def _join(self, credentials: Credentials, after: float) -> None:
        service = self._present()
        if self._asked is not None and self._asked.after == service.number:
            raise Away("Another phone asked to join a network just now; wait a minute.")
        if not service.model.may_join:
            raise Away("A network is being joined, or WiFi is still starting; wait a minute.")
        self._asked = _Asked(credentials.ssid, service.number)
        self._loop.call_later(after, self._begin, service, credentials)

    def _begin(self, service: Service, credentials: Credentials) -> None:
        try:
            service.join(credentials)
        except LunaError as error:
            _log.warning("the join that a phone asked for cannot be begun: %s", error)
            self._asked = None

"""Who is let in: rate, host, origin and key of every request, before its handler sees it."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from ipaddress import IPv4Interface, IPv6Interface, ip_interface

import msgspec

from appliance.domain.hosts import Names
from appliance.domain.keys import EVERYTHING, Keyring
from appliance.domain.rate import Limiter
from appliance.errors import ConfigError, LunaError, RateLimited, UnknownHost
from appliance.http.access_keys import KeyCheck
from appliance.http.exchange import Request
from appliance.http.rights import require_administration, require_own_page, rights_of_place
from appliance.http.routes import RateClass, Route
from appliance.settings import AccessSettings, RateSettings

_log = logging.getLogger(__name__)

Headers = tuple[tuple[str, str], ...]
Judge = Callable[[str, Request], object]
"""Raises why this caller may not ask for a path now; a request that was admitted before."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Whom to trust: names of this server, foreign web origins, networks of administrators.

    `readers` are origins that CORS lets read answers, and that may therefore open a WebSocket too.
    `wrong_keys` may be shown in a minute by one client; `rates` are requests a minute by the class
    of their route, 0 without a limit.
    """

    names: Names = field(default_factory=Names)
    origins: Sequence[str] = ()
    readers: Sequence[str] = ("*",)
    networks: Sequence[IPv4Interface | IPv6Interface] = ()
    wrong_keys: int = 20
    rates: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Admission:
    """A request with what its caller may do, or why it is refused; its answer has `headers`.

    `again` raises a LunaError when the caller would not be let in any more.
    """

    request: Request
    headers: Headers = ()
    refusal: LunaError | None = None
    again: Callable[[], object] = lambda: None

    def checked(self) -> Request:
        """The request. Raises the refusal."""
        if self.refusal is not None:
            raise self.refusal
        return self.request


def rules_of(
    access: AccessSettings, rate: RateSettings, own: str, readers: Sequence[str] = ("*",)
) -> Rules:
    """The rules of some settings; `own` is what this machine calls itself. Raises ConfigError."""
    try:
        networks = [ip_interface(each) for each in access.admin_networks]
    except ValueError as error:
        raise ConfigError(
            f"access.admin_networks is wrong: {error}; write an address of this device with its "
            "network, as 10.42.0.1/24."
        ) from error
    return Rules(
        Names([own, *access.hosts]),
        access.origins,
        readers,
        networks,
        access.wrong_keys,
        msgspec.structs.asdict(rate),
    )


class Guard:
    """Judges requests; `clock` is monotonic, `wall` gives Unix seconds; for any thread."""

    def __init__(
        self,
        rules: Rules,
        ring: Callable[[], Keyring],
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._rules = rules
        self._keys = KeyCheck(ring, rules.wrong_keys, clock)
        self._clock = clock
        self._wall = wall
        self._rates = Limiter()

    def __call__(self, route: Route, request: Request) -> Admission:
        """Whether a request may go to a route; why not is the admission's refusal."""
        headers, refusal = self._rate(route.rate_class, request)
        try:
            if refusal is None:
                again = partial(self._admit, route, request)
                return Admission(again(), headers, again=again)
        except LunaError as error:
            refusal = error
        _log.info("%s is refused: %s", request.caller.request_id, refusal.code)
        return Admission(request, headers, refusal)

    def judge(self, routes: Sequence[Route]) -> Judge:
        """Judges what comes within a request, as messages on a WebSocket, like one to a route."""
        by_path = {route.path: route for route in routes}
        return lambda path, request: self(by_path[path], request).checked()

    def _rate(self, kind: RateClass, request: Request) -> tuple[Headers, LunaError | None]:
        limit = self._rules.rates.get(kind, 0)
        if not limit:
            return (), None
        said = self._rates.take(kind, request.caller.client, limit, self._clock())
        headers = (
            ("X-RateLimit-Limit", str(said.limit)),
            ("X-RateLimit-Remaining", str(said.remaining)),
            ("X-RateLimit-Reset", str(math.ceil(self._wall() + said.reset))),
        )
        if said.allowed:
            return headers, None
        why = f"You may ask this {limit} times a minute; go on in {said.wait} seconds."
        return headers, RateLimited(why, retry_after=said.wait)

    def _admit(self, route: Route, request: Request) -> Request:
        host = request.headers.get("host", "")
        if not self._rules.names.has(host):
            raise UnknownHost(
                f"This server is not called '{host}'. Use its address or its .local name, or add "
                "the name to access.hosts."
            )
        place = rights_of_place(request, self._rules.networks)
        by_key = self._keys.grants(route, request, place)
        admitted = replace(request, scopes=place | by_key)
        if route.changes or route.access in ("admin", "own"):
            harmless = bool(by_key) or not route.changes
            require_own_page(request, self._rules.origins, harmless=harmless)
        if route.operation.socket:  # browsers ask nobody whether a page may open one
            trusted = (*self._rules.origins, *self._rules.readers)
            require_own_page(request, trusted, harmless=bool(by_key))
        if route.access == "admin":
            require_administration(admitted)
        return admitted


def everybody(route: Route, request: Request) -> Admission:
    """The guard of a server without rules: all may do all."""
    return Admission(replace(request, scopes=EVERYTHING))

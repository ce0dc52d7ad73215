"""The API key of a request: whether it needs one, and whether it is good."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from appliance.domain.keys import NOBODY, Keyring, Scope, digest
from appliance.domain.rate import Limiter, household
from appliance.errors import RateLimited, Unauthorized
from appliance.http.exchange import Request
from appliance.http.routes import Route

_log = logging.getLogger(__name__)
_BEARERS = 1000
_NO_KEY = "Send an API key as `Authorization: Bearer KEY`; `luna keys add NAME` makes one."
_WRONG_KEY = "This API key is not known, or was revoked; `luna keys add NAME` makes a new one."


class KeyCheck:
    """Holds the keys that are shown against the `ring` of the moment.

    A client may show `wrong` bad ones in a minute. Who guesses more is not listened to, except with
    a key that was good from there before: a program with a wrong key must not shut its neighbours
    out. `clock` is monotonic.
    """

    def __init__(
        self,
        ring: Callable[[], Keyring],
        wrong: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ring = ring
        self._limit = wrong
        self._clock = clock
        self._wrong = Limiter()
        self._bearers = Bearers()

    def grants(self, route: Route, request: Request, place: frozenset[Scope]) -> frozenset[Scope]:
        """What the key adds to the rights of a `place`; nothing if there is none.

        Raises Unauthorized where one is needed, RateLimited for who guesses.
        """
        if route.access == "open":
            return NOBODY
        ring, shown = self._ring(), presented(request.headers)
        needed = _needed(route, ring, place)
        if not shown:
            if needed:
                raise Unauthorized(_NO_KEY)
            return NOBODY
        if needed or (route.access == "own" and ring.has_admin):
            return self._recognised(ring, shown, request, needed=needed)
        # Many clients send some word where no key is asked for; only a good one means a thing.
        return next((key.grants for each in shown if (key := ring.find(each))), NOBODY)

    def _recognised(
        self, ring: Keyring, shown: Sequence[str], request: Request, *, needed: bool
    ) -> frozenset[Scope]:
        client = request.caller.client
        said = self._wrong.look("", client, self._limit, self._clock())
        for secret in shown:
            if said.allowed or self._bearers.has(client, secret):
                key = ring.find(secret)
                if key is not None:
                    self._bearers.add(client, secret)
                    return key.grants
        if not said.allowed:
            raise RateLimited(
                f"Too many wrong API keys came from here; try again in {said.wait} seconds.",
                retry_after=said.wait,
            )
        self._wrong.take("", client, self._limit, self._clock())
        _log.warning("%s showed a wrong API key (%s)", client, request.caller.request_id)
        if needed:
            raise Unauthorized(_WRONG_KEY)
        return NOBODY


class Bearers:
    """Which clients have shown which good keys, by their hashes; the oldest are forgotten."""

    def __init__(self, capacity: int = _BEARERS) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, bytes], None] = OrderedDict()

    def has(self, client: str, secret: str) -> bool:
        """Whether this client has shown this key, and it was good."""
        return (household(client), digest(secret)) in self._known

    def add(self, client: str, secret: str) -> None:
        """Remember a good key."""
        mark = (household(client), digest(secret))
        with self._lock:
            self._known[mark] = None
            self._known.move_to_end(mark)
            if len(self._known) > self._capacity:
                self._known.popitem(last=False)


def presented(headers: Mapping[str, str]) -> tuple[str, ...]:
    """The keys that a request shows: as a bearer token, and as Anthropic's clients do."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.casefold() == "bearer" else ""
    return tuple(key for key in (bearer, headers.get("x-api-key", "").strip()) if key)


def _needed(route: Route, ring: Keyring, place: frozenset[Scope]) -> bool:
    """Whether only a key opens this route to a caller with the rights of this place."""
    if route.access == "admin":
        # Where no key would do, a key is not what is missing.
        return "admin" not in place and ring.has_admin
    return route.access == "key" and ring.closes_inference and "inference" not in place

"""Messages of applications' own types, passed on to the other clients that asked for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

from appliance.domain.rate import Limiter
from appliance.errors import BadRequest, BodyTooLarge, RateLimited
from appliance.http.websocket.handler import Socket

LONGEST = 16 * 1024  # characters of a message that is passed on
MESSAGES, SECONDS = 50, 10.0  # of all sockets of one address
_MOST_TYPES = 32
_LONGEST_TYPE = 64


class Relay:
    """Who listens to what; `clock` is monotonic; for any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._types: dict[Socket, set[str]] = {}
        self._rates = Limiter(SECONDS)

    def subscribe(self, socket: Socket, types: Iterable[str]) -> None:
        """Have messages of these types sent to a client. Raises BadRequest over the limits."""
        wanted = set(types)
        if any(not 0 < len(each) <= _LONGEST_TYPE for each in wanted):
            raise BadRequest(f"The name of a type has 1 to {_LONGEST_TYPE} characters.")
        with self._lock:
            wanted |= self._types.get(socket, set())
            if len(wanted) > _MOST_TYPES:
                raise BadRequest(f"A client can subscribe to {_MOST_TYPES} types at most.")
            self._types[socket] = wanted

    def unsubscribe(self, socket: Socket, types: Iterable[str]) -> None:
        """Take that back; types that were not wanted do not matter."""
        with self._lock:
            self._types.get(socket, set()).difference_update(types)

    def leave(self, socket: Socket) -> None:
        """Forget a client."""
        with self._lock:
            self._types.pop(socket, None)

    def publish(self, sender: Socket, address: str, kind: str, text: str) -> None:
        """Pass a message on as it is. Raises BodyTooLarge or RateLimited."""
        if len(text) > LONGEST:
            raise BodyTooLarge(f"A message to other clients has at most {LONGEST} characters.")
        said = self._rates.take("relay", address, MESSAGES, self._clock())
        if not said.allowed:
            raise RateLimited(
                f"You may send {MESSAGES} messages in {SECONDS:g} seconds to other clients; go on "
                f"in {said.wait} seconds.",
                retry_after=said.wait,
            )
        with self._lock:
            listeners = [each for each, types in self._types.items() if kind in types]
        for listener in listeners:
            if listener is not sender:
                listener.send(text)

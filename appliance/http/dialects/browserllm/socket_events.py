"""What one WebSocket wants to hear of: figures of runs, and lines of the log, as they come."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection

from msgspec import to_builtins

from appliance.domain.rate import Limiter
from appliance.errors import BadRequest
from appliance.http.dialects.browserllm.debug import log, value
from appliance.http.dialects.browserllm.socket_messages import Event, message
from appliance.http.websocket.handler import Socket
from appliance.observe.logbook import Logbook
from appliance.observe.profile import Profile

EACH = 16  # subscriptions of one socket
PER_SECOND = 100  # events of one kind: a storm in the log must not cost its listeners their socket


class Subscriptions:
    """Those of one socket; an event is told once for each name under which it is wanted.

    `clock` is monotonic.
    """

    def __init__(
        self,
        socket: Socket,
        logbook: Logbook,
        profile: Profile,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._socket = socket
        self._logbook = logbook
        self._profile = profile
        self._clock = clock
        self._rates = Limiter(1.0)
        self._lock = threading.Lock()
        self._wanted: dict[tuple[str, Event], Callable[[], None]] = {}

    def subscribe(self, id: str, events: Collection[Event]) -> None:
        """Tell of these under a name. Raises BadRequest for too many."""
        with self._lock:
            for event in dict.fromkeys(events):
                if (id, event) in self._wanted:
                    continue
                if len(self._wanted) >= EACH:
                    raise BadRequest(f"A socket can have {EACH} subscriptions.")
                self._wanted[id, event] = self._listen(id, event)

    def unsubscribe(self, id: str, events: Collection[Event]) -> None:
        """Tell of these under that name no more; ones that were not wanted do not matter."""
        with self._lock:
            leaving = [self._wanted.pop((id, event), None) for event in events]
        for leave in filter(None, leaving):
            leave()

    def end(self) -> None:
        """Tell nothing any more."""
        with self._lock:
            leaving = tuple(self._wanted.values())
            self._wanted.clear()
        for leave in leaving:
            leave()

    def _listen(self, id: str, event: Event) -> Callable[[], None]:
        def tell(data: object) -> None:
            if self._rates.take(event, id, PER_SECOND, self._clock()).allowed:
                self._socket.send(message(event, id, data))

        if event == "log":
            return self._logbook.news.listen(lambda entry: tell(log(entry)))
        return self._profile.news.listen(
            lambda sample: tell({"name": sample.name, **to_builtins(value(sample))})
        )

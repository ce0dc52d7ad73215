"""Who asks, and what a service gives back before anything is written to the client."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from appliance.domain.cancel import CancelToken
from appliance.domain.events import Event


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: `client` is what fairness goes by, `cancel` tells when nobody listens any more."""

    client: str
    request_id: str
    cancel: CancelToken


@dataclass(frozen=True, slots=True)
class ChoiceEvent:
    """An event of choice number `index`."""

    index: int
    event: Event


class EventStream:
    """The events of a generation that has begun; `close` frees what it holds, at any time.

    The first event is fetched at once, so that what goes wrong before it is raised here, while
    a proper status can still be sent.
    """

    def __init__(self, events: Generator[ChoiceEvent]) -> None:
        self._events = events
        self._first: ChoiceEvent | None = next(events)

    def __iter__(self) -> EventStream:
        return self

    def __next__(self) -> ChoiceEvent:
        first, self._first = self._first, None
        return next(self._events) if first is None else first

    def close(self) -> None:
        """Stop the generation if it still runs."""
        self._events.close()


@dataclass(frozen=True, slots=True)
class Answer:
    """A running generation of the model that calls itself `model`.

    `ignored` names fields of the request that its engine cannot honour.
    """

    model: str
    events: EventStream
    ignored: tuple[str, ...] = ()

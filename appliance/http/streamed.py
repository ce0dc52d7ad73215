"""The frame around a streamed answer, whatever its dialect."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from appliance.domain.events import Event, Progress, Queued
from appliance.errors import LunaError
from appliance.serving.answer import EventStream


class Streamed(ABC):
    """Renders events piece by piece; a failure in the middle is the last piece."""

    def __init__(self, events: EventStream) -> None:
        self._events = events

    def close(self) -> None:
        """Stop the generation if it still runs."""
        self._events.close()

    def __iter__(self) -> Iterator[bytes]:
        try:
            for item in self._events:
                yield from self.pieces(item.event)
        except LunaError as error:
            yield from self.failure(error)
        finally:
            self._events.close()

    @abstractmethod
    def pieces(self, event: Event) -> Iterator[bytes]:
        """What an event adds; the last one is a `Finish`."""

    @abstractmethod
    def failure(self, error: LunaError) -> Iterator[bytes]:
        """What a client is told when nothing more will come."""


def news(event: Queued | Progress) -> str:
    """What keeps a waiting client, and proxies on its way, patient."""
    match event:
        case Queued(ahead):
            return f"queued, {ahead} ahead"
        case Progress(processed, total) if processed < total:
            return f"prefill {processed}/{total}"
    return ""

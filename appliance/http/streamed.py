"""The frame around a streamed answer, whatever its dialect."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from appliance.domain.events import Event, Progress, Queued
from appliance.errors import LunaError
from appliance.http.exchange import Reply, Stream
from appliance.serving.answer import EventStream

EVENTS = "text/event-stream; charset=utf-8"
_AT_ONCE = (("Cache-Control", "no-store"), ("X-Accel-Buffering", "no"))


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


def streamed_reply(
    pieces: Stream, headers: tuple[tuple[str, str], ...], content_type: str = EVENTS
) -> Reply:
    """An answer in pieces, which nobody on its way may keep or gather."""
    return Reply(pieces, content_type=content_type, headers=(*_AT_ONCE, *headers))

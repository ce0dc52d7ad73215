"""Events of a generation as a test tells them, and the chunks that a stream makes of them."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from typing import Any

from appliance.domain.events import Event, Finish, TokenLogprob, Usage
from appliance.domain.sse import Decoder
from appliance.http.dialects.openai.render import ChatStream, Head
from appliance.http.dialects.openai.render_text import TextStream
from appliance.serving.answer import ChoiceEvent, EventStream

HEAD = Head("id-1", 1700000000, "m", "luna-1")
LOGPROB = TokenLogprob("é", -0.5, b"\xc3\xa9", 4, (TokenLogprob("e", -1.5, b"e", 5),))


class Told:
    """A stream of events that knows whether it was closed."""

    def __init__(self, items: Sequence[tuple[int, Event]], error: Exception | None = None) -> None:
        self.closed = False
        self._items = items
        self._error = error
        self.events = EventStream(self._run())

    def _run(self) -> Generator[ChoiceEvent]:
        try:
            for index, event in self._items:
                yield ChoiceEvent(index, event)
            if self._error is not None:
                raise self._error
        finally:
            self.closed = True


def end(completion: int = 2, cached: int = 1, reason: Any = "stop") -> Finish:
    return Finish(reason, Usage(10, completion, cached))


def chunks(stream: ChatStream | TextStream) -> list[Any]:
    data = Decoder().feed(b"".join(stream))
    assert data[-1] == b"[DONE]"
    return [json.loads(each) for each in data[:-1]]

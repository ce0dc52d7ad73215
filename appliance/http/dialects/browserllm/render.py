"""Events as Browser LLM's answers and chunks."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from appliance.domain import sse
from appliance.domain.events import Content, Event, Finish, Progress, Queued, Reasoning, Usage
from appliance.errors import LunaError
from appliance.http.dialects.browserllm import answers
from appliance.http.dialects.browserllm.errors import code_of
from appliance.http.stopwatch import NS_PER_MS, Stopwatch
from appliance.http.streamed import Streamed, news
from appliance.serving.answer import EventStream

_encode = msgspec.json.Encoder().encode


class Telling:
    """One answer as it grows; thoughts are no part of it, and this API has no tools."""

    def __init__(self, watch: Stopwatch) -> None:
        self._watch = watch
        self._pieces: list[str] = []

    def chunk(self, event: Event) -> answers.BrowserLlmChunk | None:
        """What an event means to a client: a token, the end of the answer, or nothing."""
        match event:
            case Content(text) if text:
                self._watch.piece()
                self._pieces.append(text)
                return answers.BrowserLlmChunk("token", answers.BrowserLlmChunkData(token=text))
            case Reasoning():
                self._watch.piece()
            case Finish():
                done = answers.BrowserLlmChunkData(completion=self.generated(event))
                return answers.BrowserLlmChunk("done", done)
        return None

    def generated(self, finish: Finish) -> answers.BrowserLlmGenerated:
        """The whole answer."""
        usage, times = finish.usage, self._watch.times(finish)
        seconds = times.said / NS_PER_MS / 1000
        return answers.BrowserLlmGenerated(
            text="".join(self._pieces),
            tokens=usage.completion,
            finish_reason="length" if finish.reason == "length" else "stop",
            usage=answers.BrowserLlmUsage(
                usage.prompt, usage.completion, usage.prompt + usage.completion
            ),
            performance=answers.BrowserLlmSpeed(
                tokens_per_second=round(usage.completion / seconds, 2) if seconds > 0 else 0.0,
                latency_ms=round(times.first / NS_PER_MS, 2),
                total_time_ms=round(times.total / NS_PER_MS, 2),
            ),
        )


def failed(error: LunaError) -> answers.BrowserLlmChunk:
    """The last chunk of an answer that failed."""
    data = answers.BrowserLlmChunkData(error=error.message, code=code_of(error))
    return answers.BrowserLlmChunk("error", data)


def whole(events: EventStream, watch: Stopwatch) -> answers.BrowserLlmGenerated:
    """The whole answer; raises what the engine raises, and always closes the events."""
    telling = Telling(watch)
    finish = Finish("stop", Usage())
    try:
        for item in events:
            if isinstance(item.event, Finish):
                finish = item.event
            else:
                telling.chunk(item.event)
    finally:
        events.close()
    return telling.generated(finish)


class ChunkStream(Streamed):
    """An answer as server-sent events; comments keep a silent stream alive."""

    def __init__(self, events: EventStream, watch: Stopwatch) -> None:
        super().__init__(events)
        self._telling = Telling(watch)

    def pieces(self, event: Event) -> Iterator[bytes]:
        """An event for a token and for the end, a comment for what clients need not know."""
        if (chunk := self._telling.chunk(event)) is not None:
            yield sse.encode(_encode(chunk))
        elif isinstance(event, Queued | Progress):
            if told := news(event):
                yield sse.comment(told)
        elif isinstance(event, Reasoning):
            yield sse.comment("thinking")

    def failure(self, error: LunaError) -> Iterator[bytes]:
        """The error's chunk."""
        yield sse.encode(_encode(failed(error)))

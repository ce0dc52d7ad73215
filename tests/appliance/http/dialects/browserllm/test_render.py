from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import count
from typing import Any

import msgspec
import pytest

from appliance.domain.events import (
    Content,
    Event,
    Finish,
    Progress,
    Queued,
    Reasoning,
    Timings,
    Usage,
)
from appliance.domain.sse import Decoder
from appliance.errors import EngineDied, QueueFull
from appliance.http.dialects.browserllm.render import ChunkStream, Telling, failed, whole
from appliance.http.stopwatch import Stopwatch
from tests.appliance.http.dialects.openai.told import Told

SPEED = Timings(prompt_tokens=10, prompt_ms=2.5, generated_tokens=4, generated_ms=8.0)
END = Finish("length", Usage(12, 4, 2), SPEED)
SAID: list[Event] = [Queued(1), Progress(5, 10), Reasoning("hm"), Content("Ol"), Content("á"), END]
DONE = {
    "text": "Olá",
    "tokens": 4,
    "finish_reason": "length",
    "usage": {"prompt_tokens": 12, "completion_tokens": 4, "total_tokens": 16},
    "performance": {"tokens_per_second": 500.0, "latency_ms": 1.0, "total_time_ms": 2.0},
}


def told(events: Sequence[Event], error: Exception | None = None) -> Told:
    return Told([(0, event) for event in events], error)


def watch() -> Stopwatch:
    """One that goes on by a millisecond at each look."""
    return Stopwatch(count(0, 1_000_000).__next__)


def test_the_whole_answer() -> None:
    story = told(SAID)
    assert msgspec.to_builtins(whole(story.events, watch())) == DONE
    assert story.closed


def test_a_failure_of_the_whole_answer() -> None:
    story = told(SAID[:-1], EngineDied("It died."))
    with pytest.raises(EngineDied):
        whole(story.events, watch())
    assert story.closed


def test_the_chunks_of_a_stream() -> None:
    story = told(SAID)
    text = b"".join(ChunkStream(story.events, watch()))
    assert story.closed
    assert [json.loads(each) for each in Decoder().feed(text)] == [
        {"type": "token", "data": {"token": "Ol"}},
        {"type": "token", "data": {"token": "á"}},
        {"type": "done", "data": {"completion": DONE}},
    ]
    for comment in (b": queued, 1 ahead\n\n", b": prefill 5/10\n\n", b": thinking\n\n"):
        assert comment in text


def test_a_failure_in_mid_stream() -> None:
    text = b"".join(ChunkStream(told(SAID[:4], EngineDied("It died.")).events, watch()))
    *_, last = Decoder().feed(text)
    error = {"error": "It died.", "code": "INFERENCE_ERROR"}
    assert json.loads(last) == {"type": "error", "data": error}
    assert msgspec.to_builtins(failed(QueueFull("No.")))["data"]["code"] == "RATE_LIMIT"


@pytest.mark.parametrize(("reason", "word"), [("stop", "stop"), ("tool_calls", "stop")])
def test_reasons(reason: Any, word: str) -> None:
    telling = Telling(watch())
    assert telling.generated(Finish(reason, Usage())).finish_reason == word


def test_an_answer_of_no_tokens_has_no_speed() -> None:
    speed = Telling(Stopwatch(lambda: 0)).generated(Finish("stop", Usage())).performance
    assert (speed.tokens_per_second, speed.latency_ms, speed.total_time_ms) == (0.0, 0.0, 0.0)

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
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
    ToolCallDelta,
    Usage,
)
from appliance.domain.messages import Message, Role
from appliance.errors import EngineDied
from appliance.http.collected import collect
from appliance.http.dialects.ollama import context
from appliance.http.dialects.ollama.render import (
    ChatTeller,
    GenerateTeller,
    Lines,
    Teller,
    timestamp,
)
from appliance.http.stopwatch import Stopwatch
from tests.appliance.http.dialects.openai.told import LOGPROB, Told

SPEED = Timings(prompt_tokens=10, prompt_ms=2.5, generated_tokens=4, generated_ms=8.0)
END = Finish("stop", Usage(12, 4, 2), SPEED)
SAID: list[Event] = [Progress(5, 10), Reasoning("hm"), Content("a"), Content("b"), END]
CALLS: list[Event] = [
    ToolCallDelta(0, '{"a"', "c1", "f"),
    ToolCallDelta(0, ":1}"),
    ToolCallDelta(1, "", "c2", "g"),
    ToolCallDelta(2, '{"cut', "c3", "h"),
    Finish("tool_calls", Usage(1, 2), SPEED),
]


class Ticks:
    """A clock that goes on by one millisecond at each look."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        self.now += 1_000_000
        return self.now


def teller(kind: type[Teller] = ChatTeller, **more: Any) -> Teller:
    return kind("m", watch=Stopwatch(Ticks()), clock=lambda: 1700000000.25, **more)


def told(events: Sequence[Event]) -> Told:
    return Told([(0, event) for event in events])


def lines(events: Sequence[Event], by: Teller | None = None) -> list[Any]:
    text = b"".join(Lines(told(events).events, by or teller()))
    assert text.endswith(b"\n")
    return [json.loads(line) for line in text.splitlines()]


def whole(events: Sequence[Event], by: Teller | None = None) -> Any:
    return msgspec.to_builtins((by or teller()).line(collect(told(events).events)[0]))


def test_a_chat_line_by_line() -> None:
    first, thought, *said, last = lines(SAID)
    assert first == {
        "model": "m",
        "created_at": "2023-11-14T22:13:20.250000Z",
        "done": False,
        "message": {"role": "assistant", "content": ""},
    }
    assert thought["message"] == {"role": "assistant", "content": "", "thinking": "hm"}
    assert [each["message"]["content"] for each in said] == ["a", "b"]
    assert last == {
        "model": "m",
        "created_at": "2023-11-14T22:13:20.250000Z",
        "done": True,
        "done_reason": "stop",
        "total_duration": 2_000_000,
        "load_duration": 0,
        "prompt_eval_count": 12,
        "prompt_eval_duration": 2_500_000,
        "eval_count": 4,
        "eval_duration": 8_000_000,
        "message": {"role": "assistant", "content": ""},
    }


def test_a_whole_chat_says_the_same() -> None:
    body = whole(SAID)
    assert body["message"] == {"role": "assistant", "content": "ab", "thinking": "hm"}
    assert (body["done"], body["done_reason"], body["eval_count"]) == (True, "stop", 4)


def test_calls_are_told_whole_with_their_arguments_as_an_object() -> None:
    wanted = [
        {"id": "c1", "function": {"index": 0, "name": "f", "arguments": {"a": 1}}},
        {"id": "c2", "function": {"index": 1, "name": "g", "arguments": {}}},
    ]
    calls, last = lines(CALLS)
    assert calls["message"] == {"role": "assistant", "content": "", "tool_calls": wanted}
    assert calls["done"] is False
    assert "tool_calls" not in last["message"]
    assert last["done_reason"] == "stop"
    assert whole(CALLS)["message"]["tool_calls"] == wanted


def test_a_silent_line_is_kept_alive() -> None:
    waiting = lines([Queued(2), Queued(1), Progress(1, 2), Progress(2, 2), END])
    assert [each["done"] for each in waiting] == [False] * 4 + [True]
    assert {each["message"]["content"] for each in waiting} == {""}


def test_a_failure_is_the_last_line() -> None:
    failed = Told([(0, Content("a"))], EngineDied("It died."))
    *_, last = b"".join(Lines(failed.events, teller())).splitlines()
    assert json.loads(last) == {"error": "It died."}
    assert failed.closed


def test_who_leaves_closes_the_generation() -> None:
    story = told(SAID)
    stream = Lines(story.events, teller())
    next(iter(stream))
    stream.close()
    assert story.closed


def test_a_completion_carries_its_context() -> None:
    turns = [Message(Role.USER, "Hi")]
    *said, last = lines(SAID, teller(GenerateTeller, turns=turns))
    assert [each["response"] for each in said] == ["", "", "a", "b"]
    assert said[1]["thinking"] == "hm"
    assert "context" not in said[-1]
    assert last["context"] == context.encode(turns, "ab")
    assert whole(SAID, teller(GenerateTeller, turns=turns))["context"] == last["context"]
    assert "context" not in whole(SAID, teller(GenerateTeller))


def test_a_model_that_was_only_loaded() -> None:
    body = msgspec.to_builtins(teller().loaded("load"))
    assert (body["done"], body["done_reason"], body["message"]["content"]) == (True, "load", "")
    assert msgspec.to_builtins(teller(GenerateTeller).loaded("unload"))["response"] == ""


@pytest.mark.parametrize(("reason", "told"), [("length", "length"), ("tool_calls", "stop")])
def test_reasons(reason: Any, told: str) -> None:
    assert whole([Finish(reason, Usage(), SPEED)])["done_reason"] == told


def test_without_the_engines_figures_the_times_are_measured_here() -> None:
    *_, last = lines([Progress(1, 1), Content("a"), Finish("stop", Usage(1, 1))])
    assert last["prompt_eval_duration"] == 1_000_000
    assert last["eval_duration"] == 1_000_000
    assert last["load_duration"] == 0


def test_logprobs() -> None:
    said: list[Event] = [Content("é", (LOGPROB,)), END]
    wanted = {"token": "é", "logprob": -0.5, "bytes": [195, 169]}
    assert whole(said)["logprobs"] == [wanted]
    top = [{"token": "e", "logprob": -1.5, "bytes": [101]}]
    assert lines(said, teller(alternatives=1))[0]["logprobs"] == [wanted | {"top_logprobs": top}]


@pytest.mark.parametrize("seconds", [0.0, 1700000000.0, 1700000000.123456, 4e9])
def test_times_are_read_by_everybody(seconds: float) -> None:
    text = timestamp(seconds)
    assert text.endswith("Z")
    assert datetime.fromisoformat(text).timestamp() == seconds

from __future__ import annotations

import json
from collections.abc import Sequence
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
    ToolCallDelta,
    Usage,
)
from appliance.errors import ContextTooLong, EngineDied, QueueFull
from appliance.http.dialects.anthropic.errors import ANTHROPIC
from appliance.http.dialects.anthropic.render import Head, MessageStream, message
from tests.appliance.http.dialects.openai.told import Told

HEAD = Head("msg_1", "m", "req_1")
SAID: list[Event] = [
    Queued(1),
    Progress(4, 12, cached=2),
    Progress(12, 12, cached=2),
    Reasoning("hm"),
    Content("a"),
    Content("b"),
    ToolCallDelta(0, '{"x"', "c1", "f"),
    ToolCallDelta(0, ":1}"),
    Finish("tool_calls", Usage(12, 5, 2)),
]


def told(events: Sequence[Event]) -> Told:
    return Told([(0, event) for event in events])


def events(said: Sequence[Event], error: Exception | None = None) -> list[tuple[str, Any]]:
    story = Told([(0, event) for event in said], error)
    text = b"".join(MessageStream(HEAD, story.events)).decode()
    assert story.closed
    found = []
    for block in text.removesuffix("\n\n").split("\n\n"):
        name, data = block.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def whole(said: Sequence[Event]) -> Any:
    return msgspec.to_builtins(message(HEAD, told(said).events))


def test_the_events_of_a_stream_in_their_order() -> None:
    found = events(SAID)
    assert all(name == data["type"] for name, data in found)
    assert [name for name, _ in found] == [
        "ping",
        "message_start",
        "ping",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    data = [data for _, data in found]
    assert data[1]["message"] == {
        "type": "message",
        "id": "msg_1",
        "model": "m",
        "content": [],
        "usage": {
            "input_tokens": 10,
            "output_tokens": 0,
            "cache_read_input_tokens": 2,
            "cache_creation_input_tokens": 0,
        },
        "stop_reason": None,
        "stop_sequence": None,
        "role": "assistant",
    }
    assert [each["index"] for each in data if "index" in each] == [0] * 3 + [1] * 4 + [2] * 4
    assert [each["content_block"] for each in data if "content_block" in each] == [
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "text", "text": ""},
        {"type": "tool_use", "id": "c1", "name": "f", "input": {}},
    ]
    assert [each["delta"] for each in data if "delta" in each] == [
        {"type": "thinking_delta", "thinking": "hm"},
        {"type": "text_delta", "text": "a"},
        {"type": "text_delta", "text": "b"},
        {"type": "input_json_delta", "partial_json": '{"x"'},
        {"type": "input_json_delta", "partial_json": ":1}"},
        {"stop_reason": "tool_use", "stop_sequence": None},
    ]
    assert data[-2]["usage"]["output_tokens"] == 5


def test_a_whole_answer() -> None:
    body = whole(SAID)
    assert body["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {"type": "text", "text": "ab"},
        {"type": "tool_use", "id": "c1", "name": "f", "input": {"x": 1}},
    ]
    assert (body["stop_reason"], body["stop_sequence"]) == ("tool_use", None)
    assert body["usage"]["input_tokens"] == 10


@pytest.mark.parametrize(
    ("finish", "reason", "sequence"),
    [
        (Finish("stop", Usage()), "end_turn", None),
        (Finish("stop", Usage(), word="\n"), "stop_sequence", "\n"),
        (Finish("length", Usage()), "max_tokens", None),
    ],
)
def test_why_it_ended(finish: Finish, reason: str, sequence: str | None) -> None:
    body = whole([Content("a"), finish])
    assert (body["stop_reason"], body["stop_sequence"]) == (reason, sequence)
    *_, (_, ending), _ = events([Content("a"), finish])
    assert ending["delta"] == {"stop_reason": reason, "stop_sequence": sequence}


def test_an_empty_answer() -> None:
    end = [Finish("stop", Usage(3, 0))]
    assert whole(end)["content"] == []
    assert [name for name, _ in events(end)] == ["message_start", "message_delta", "message_stop"]


def test_a_call_that_was_cut_has_no_input() -> None:
    cut: list[Event] = [ToolCallDelta(0, '{"x', "c1", "f"), Finish("length", Usage())]
    (block,) = whole(cut)["content"]
    assert block["input"] == {}


def test_a_failure_is_the_last_event() -> None:
    name, data = events([Content("a")], EngineDied("It died."))[-1]
    assert name == "error"
    assert data == {
        "type": "error",
        "error": {"type": "api_error", "message": "It died."},
        "request_id": "req_1",
    }


def test_errors_carry_the_request_and_when_to_retry() -> None:
    reply = ANTHROPIC.render(QueueFull("Full.", retry_after=3), "req_9")
    assert reply.status == 503
    assert reply.headers == (("Retry-After", "3"), ("request-id", "req_9"))
    assert isinstance(reply.body, bytes)
    assert json.loads(reply.body)["error"]["type"] == "overloaded_error"


def test_too_long_a_prompt_is_told_in_the_words_that_clients_look_for() -> None:
    error = ContextTooLong("Shorten it.", prompt_tokens=300, context=200)
    reply = ANTHROPIC.render(error, "req_9")
    assert isinstance(reply.body, bytes)
    message = json.loads(reply.body)["error"]["message"]
    assert message == "prompt is too long: 300 tokens > 200 maximum. Shorten it."

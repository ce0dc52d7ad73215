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
from appliance.errors import EngineDied
from appliance.http.dialects.openai.responses_render import Head, ResponseStream, response
from appliance.http.dialects.openai.responses_requests import (
    ResponsesBody,
    ResponsesReasoning,
    ResponsesTool,
)
from tests.appliance.http.dialects.openai.told import Told

BODY = ResponsesBody(input="Hi", instructions="Be brief.", metadata={"a": "b"})
HEAD = Head("x", 1700000000.0, "m", BODY, clock=lambda: 1700000002.0)
SAID: list[Event] = [
    Queued(1),
    Progress(4, 12),
    Reasoning("hm"),
    Content("a"),
    Content("b"),
    ToolCallDelta(0, '{"x"', "c1", "f"),
    ToolCallDelta(0, ":1}"),
    Finish("tool_calls", Usage(12, 5, 2)),
]
CUT: list[Event] = [Content("a"), Finish("length", Usage(3, 1))]


def events(said: Sequence[Event], error: Exception | None = None) -> list[Any]:
    story = Told([(0, event) for event in said], error)
    blocks = b"".join(ResponseStream(HEAD, story.events)).decode().removesuffix("\n\n")
    assert story.closed
    found = []
    for block in blocks.split("\n\n"):
        if block.startswith(": "):
            continue
        name, data = block.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        found.append(event)
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    return found


def whole(said: Sequence[Event], head: Head = HEAD) -> Any:
    story = Told([(0, event) for event in said])
    return msgspec.json.decode(msgspec.json.encode(response(head, story.events)))


def test_the_events_of_a_stream_in_their_order() -> None:
    found = events(SAID)
    assert [event["type"].removeprefix("response.") for event in found] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "reasoning_text.delta",
        "reasoning_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    assert [event["output_index"] for event in found[2:-1]] == [0] * 6 + [1] * 7 + [2] * 5
    items = {event["item"]["id"] for event in found if "item" in event}
    assert items == {"rs_x00", "msg_x01", "fc_x02"}
    assert {event["item_id"] for event in found if "item_id" in event} == items
    added = [event["item"] for event in found if event["type"].endswith("item.added")]
    assert [(item["status"], item.get("content")) for item in added] == [
        ("in_progress", []),
        ("in_progress", []),
        ("in_progress", None),
    ]
    parts = [event["part"]["text"] for event in found if "part" in event]
    assert parts == ["", "hm", "", "ab"]
    assert found[-3]["arguments"] == '{"x":1}'
    done = [event["item"] for event in found if event["type"].endswith("item.done")]
    assert done == found[-1]["response"]["output"]
    assert found[0]["response"]["status"] == "in_progress"
    assert found[0]["response"]["output"] == []


def test_a_stream_ends_with_what_a_whole_response_is() -> None:
    for said, kind in ((SAID, "response.completed"), (CUT, "response.incomplete")):
        last = events(said)[-1]
        assert last["type"] == kind
        assert last["response"] == whole(said)


def test_a_whole_response() -> None:
    body = whole(SAID)
    assert body["output"] == [
        {
            "type": "reasoning",
            "id": "rs_x00",
            "content": [{"type": "reasoning_text", "text": "hm"}],
            "status": "completed",
            "summary": [],
        },
        {
            "type": "message",
            "id": "msg_x01",
            "content": [{"type": "output_text", "text": "ab", "annotations": [], "logprobs": []}],
            "status": "completed",
            "role": "assistant",
        },
        {
            "type": "function_call",
            "id": "fc_x02",
            "call_id": "c1",
            "name": "f",
            "arguments": '{"x":1}',
            "status": "completed",
        },
    ]
    assert (body["id"], body["object"], body["status"]) == ("resp_x", "response", "completed")
    assert (body["created_at"], body["completed_at"]) == (1700000000.0, 1700000002.0)
    assert (body["instructions"], body["metadata"], body["store"]) == (
        "Be brief.",
        {"a": "b"},
        False,
    )
    assert body["usage"] == {
        "input_tokens": 12,
        "output_tokens": 5,
        "total_tokens": 17,
        "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }


def test_a_response_that_was_cut_says_so() -> None:
    body = whole(CUT)
    assert (body["status"], body["incomplete_details"]) == (
        "incomplete",
        {"reason": "max_output_tokens"},
    )
    assert body["output"][-1]["status"] == "incomplete"
    assert body["completed_at"] is None


def test_a_failure_ends_the_response() -> None:
    found = events([Content("a")], EngineDied("It died."))
    assert [event["type"] for event in found[-2:]] == [
        "response.output_item.done",
        "response.failed",
    ]
    failed = found[-1]["response"]
    assert failed["error"] == {"code": "engine_died", "message": "It died."}
    assert (failed["status"], failed["output"][0]["status"]) == ("failed", "incomplete")


def test_what_was_asked_for_is_repeated() -> None:
    tool = ResponsesTool("function", "f")
    reasoning = ResponsesReasoning("low")
    body = ResponsesBody(
        input="x", tools=[tool], tool_choice="none", reasoning=reasoning, top_p=0.5
    )
    found = whole([Finish("stop", Usage())], Head("x", 1.0, "m", body, clock=lambda: 2.0))
    assert found["tools"][0]["name"] == "f"
    assert (found["tool_choice"], found["top_p"], found["reasoning"]["effort"]) == (
        "none",
        0.5,
        "low",
    )
    assert found["text"] == {"format": {"type": "text"}}
    assert found["output"] == []


@pytest.mark.parametrize("room", [True, False])
def test_a_response_is_kept_whole_and_says_so(room: bool) -> None:
    kept: list[Any] = []

    def keep(answer: Any) -> bool:
        kept.append(answer)
        return room

    head = Head("x", 1.0, "m", BODY, clock=lambda: 2.0, keep=keep)
    found = whole(CUT, head)
    assert kept[0].store is True
    assert msgspec.to_builtins(kept[0]) | {"store": room} == found
    assert whole(CUT)["store"] is False

    story = Told([(0, event) for event in CUT])
    stream = b"".join(ResponseStream(head, story.events))
    assert len(kept) == 2
    assert stream.count(b'"store":true') == 2 + room  # created, in progress, and the last one


def test_a_failure_is_not_kept() -> None:
    head = Head("x", 1.0, "m", BODY, clock=lambda: 2.0, keep=lambda answer: pytest.fail("kept"))
    story = Told([(0, Content("a"))], EngineDied("It ended."))
    *_, last = b"".join(ResponseStream(head, story.events)).decode().strip().split("\n")
    assert json.loads(last.removeprefix("data: "))["response"]["store"] is False

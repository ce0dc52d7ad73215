from __future__ import annotations

import base64
import json
import math
import struct
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from appliance.domain.events import (
    Content,
    Event,
    Progress,
    Queued,
    Reasoning,
    ToolCallDelta,
)
from appliance.domain.sse import Decoder
from appliance.errors import BadRequest, EngineDied
from appliance.http.collected import collect
from appliance.http.dialects.openai import render
from appliance.http.dialects.openai.render import ChatStream
from appliance.http.dialects.openai.render_text import TextStream
from tests.appliance.http.dialects.openai.told import HEAD, LOGPROB, Told, chunks, end

TWO: list[tuple[int, Event]] = [
    (0, Content("a")),
    (1, Content("x")),
    (0, Content("b")),
    (1, end(3, reason="length")),
    (0, end()),
]
CALLS: list[tuple[int, Event]] = [
    (0, Reasoning("hm ")),
    (0, Reasoning("so")),
    (0, ToolCallDelta(0, '{"a"', "c1", "f")),
    (0, ToolCallDelta(0, ":1}")),
    (0, ToolCallDelta(1, "{}", "c2", "g")),
    (0, end(reason="tool_calls")),
]


def chat_chunks(items: Sequence[tuple[int, Event]], with_usage: bool = False) -> list[Any]:
    return chunks(ChatStream(HEAD, Told(items).events, with_usage=with_usage, alternatives=1))


def whole_chat(items: Sequence[tuple[int, Event]]) -> Any:
    choices = collect(Told(items).events)
    return msgspec.to_builtins(render.chat_completion(HEAD, choices, alternatives=1))


def test_a_whole_chat_with_two_choices() -> None:
    body = whole_chat(TWO)
    assert (body["id"], body["object"], body["model"]) == ("id-1", "chat.completion", "m")
    assert [c["message"]["content"] for c in body["choices"]] == ["ab", "x"]
    assert [c["finish_reason"] for c in body["choices"]] == ["stop", "length"]
    assert body["usage"] == {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 15,
        "prompt_tokens_details": {"cached_tokens": 1},
    }


def test_a_whole_chat_with_calls() -> None:
    (choice,) = whole_chat(CALLS)["choices"]
    message = choice["message"]
    assert message["content"] is None
    assert message["reasoning_content"] == "hm so"
    assert message["tool_calls"] == [
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
        {"id": "c2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
    ]


def test_an_empty_answer_has_empty_content() -> None:
    (choice,) = whole_chat([(0, end(0))])["choices"]
    assert choice["message"]["content"] == ""
    assert "tool_calls" not in choice["message"]


def test_chunks_of_two_choices() -> None:
    found = chat_chunks(TWO)
    for index, text in ((0, "ab"), (1, "x")):
        mine = [c for chunk in found for c in chunk["choices"] if c["index"] == index]
        assert mine[0]["delta"] == {"role": "assistant", "content": ""}
        assert "".join(c["delta"].get("content", "") for c in mine) == text
        assert [c["finish_reason"] for c in mine[:-1]] == [None] * (len(mine) - 1)
        assert mine[-1]["delta"] == {}
    assert all("usage" not in chunk for chunk in found)
    assert {chunk["object"] for chunk in found} == {"chat.completion.chunk"}


def test_usage_comes_last_and_alone() -> None:
    *others, last = chat_chunks(TWO, with_usage=True)
    assert [chunk["usage"] for chunk in others] == [None] * len(others)
    assert last["choices"] == []
    assert last["usage"] == whole_chat(TWO)["usage"]


def test_chunks_of_calls() -> None:
    deltas = [c["delta"] for chunk in chat_chunks(CALLS) for c in chunk["choices"]]
    assert [d["reasoning_content"] for d in deltas if "reasoning_content" in d] == ["hm ", "so"]
    assert [d["tool_calls"][0] for d in deltas if "tool_calls" in d] == [
        {
            "index": 0,
            "id": "c1",
            "type": "function",
            "function": {"name": "f", "arguments": '{"a"'},
        },
        {"index": 0, "function": {"arguments": ":1}"}},
        {"index": 1, "id": "c2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
    ]


def test_logprobs_of_a_chat() -> None:
    items: list[tuple[int, Event]] = [(0, Content("é", (LOGPROB,))), (0, end())]
    wanted = [
        {
            "token": "é",
            "logprob": -0.5,
            "bytes": [195, 169],
            "top_logprobs": [{"token": "e", "logprob": -1.5, "bytes": [101]}],
        }
    ]
    assert whole_chat(items)["choices"][0]["logprobs"]["content"] == wanted
    chunk = chat_chunks(items)[1]
    assert chunk["choices"][0]["logprobs"]["content"] == wanted


def test_only_the_alternatives_that_were_asked_for_are_told() -> None:
    items: list[tuple[int, Event]] = [(0, Content("é", (LOGPROB,))), (0, end())]
    choices = collect(Told(items).events)
    (choice,) = render.chat_completion(HEAD, choices, alternatives=0).choices
    assert choice.logprobs is not None
    assert choice.logprobs.content[0].top_logprobs == []


def test_waiting_and_prefill_are_comments_until_they_are_over() -> None:
    news: list[Event] = [Queued(2), Queued(1), Progress(1, 2), Progress(2, 2), end()]
    told = Told([(0, event) for event in news])
    pieces = list(ChatStream(HEAD, told.events, with_usage=False, alternatives=0))
    assert pieces[:3] == [
        b": queued, 2 ahead\n\n",
        b": queued, 1 ahead\n\n",
        b": prefill 1/2\n\n",
    ]
    assert [piece for piece in pieces[3:] if piece.startswith(b":")] == []


@pytest.mark.parametrize("kind", ["chat", "text"])
def test_an_error_ends_the_stream_with_an_event(kind: str) -> None:
    told = Told([(0, Content("a"))], EngineDied("It is gone."))
    stream = (
        ChatStream(HEAD, told.events, with_usage=True, alternatives=0)
        if kind == "chat"
        else TextStream(HEAD, told.events, [""], 1, with_usage=True)
    )
    data = Decoder().feed(b"".join(stream))
    assert json.loads(data[-1])["error"]["code"] == "engine_died"
    assert b"[DONE]" not in data
    assert told.closed


def test_closing_a_stream_ends_the_generation() -> None:
    told = Told(TWO)
    stream = ChatStream(HEAD, told.events, with_usage=False, alternatives=0)
    next(iter(stream))
    stream.close()
    assert told.closed


def test_collecting_closes_also_after_an_error() -> None:
    told = Told([(0, Content("a"))], EngineDied("It is gone."))
    with pytest.raises(EngineDied):
        collect(told.events)
    assert told.closed


def test_vectors() -> None:
    vectors = [(0.6, 0.8, 0.0), (0.0, 0.6, 0.8)]
    plain = render.embeddings("m", vectors, 7, dimensions=None, base64_format=False)
    assert [row.embedding for row in plain.data] == [list(vector) for vector in vectors]
    assert [row.index for row in plain.data] == [0, 1]
    assert (plain.usage.prompt_tokens, plain.usage.total_tokens) == (7, 7)
    packed = render.embeddings("m", vectors, 7, dimensions=None, base64_format=True)
    assert isinstance(packed.data[0].embedding, str)
    values = struct.unpack("<3f", base64.b64decode(packed.data[0].embedding))
    assert values == pytest.approx(vectors[0])
    cut = render.embeddings("m", vectors, 7, dimensions=2, base64_format=False)
    assert [len(row.embedding) for row in cut.data] == [2, 2]
    for row in cut.data:
        assert isinstance(row.embedding, list)
        assert math.hypot(*row.embedding) == pytest.approx(1)
    with pytest.raises(BadRequest) as caught:
        render.embeddings("m", vectors, 7, dimensions=4, base64_format=False)
    assert caught.value.param == "dimensions"


def test_a_vector_of_nothing_stays_one() -> None:
    found = render.embeddings("m", [(0.0, 0.0)], 1, dimensions=1, base64_format=False)
    assert found.data[0].embedding == [0.0]

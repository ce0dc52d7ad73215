from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.events import (
    Content,
    Details,
    Event,
    Finish,
    Progress,
    Reasoning,
    Timings,
    TokenLogprob,
    ToolCallDelta,
    Usage,
)
from appliance.engines.llamacpp.chunks import chat_events, completion_events
from appliance.errors import ContextTooLong, EngineError

TIMINGS = {
    "cache_n": 5,
    "prompt_n": 7,
    "prompt_ms": 12.5,
    "prompt_per_token_ms": 1.8,
    "prompt_per_second": 560.0,
    "predicted_n": 3,
    "predicted_ms": 20.25,
    "predicted_per_token_ms": 6.75,
    "predicted_per_second": 148.1,
}
SPEED = Timings(7, 12.5, 3, 20.25)
DETAILS = Details(2, "word", "x", True, True, 14, "Hi", {"n_predict": 3})


def chunk(delta: dict[str, Any] | None, finish: str | None = None, **more: Any) -> bytes:
    """A chunk of /v1/chat/completions as llama.cpp writes it."""
    choice = {"finish_reason": finish, "index": 0, "delta": delta} | more.pop("choice", {})
    body = {
        "choices": [] if delta is None else [choice],
        "created": 1761000000,
        "id": "chatcmpl-6Xz",
        "model": "m",
        "system_fingerprint": "b6000-abc",
        "object": "chat.completion.chunk",
    }
    return json.dumps(body | more).encode()


def part(content: str, **more: Any) -> bytes:
    """A chunk of /completion."""
    return json.dumps(
        {"index": 0, "content": content, "tokens": [1], "stop": False} | more
    ).encode()


UNREADABLE = {
    "code": 500,
    "message": "The model produced output that does not match the expected peg-native format",
    "type": "server_error",
}
FIRST = chunk({"role": "assistant", "content": None})
LAST = [
    chunk({}, "stop"),
    chunk(
        None,
        usage={
            "completion_tokens": 3,
            "prompt_tokens": 12,
            "total_tokens": 15,
            "prompt_tokens_details": {"cached_tokens": 5},
        },
        timings=TIMINGS,
    ),
    b"[DONE]",
]
TOKEN = {
    "id": 42,
    "token": "é",
    "bytes": [195, 169],
    "logprob": -0.5,
    "top_logprobs": [
        {"id": 42, "token": "é", "bytes": [195, 169], "logprob": -0.5},
        {"id": 7, "token": "\ufffd", "bytes": [195], "logprob": None},
    ],
}
LOGPROB = TokenLogprob(
    "é",
    -0.5,
    "é".encode(),
    42,
    (TokenLogprob("é", -0.5, "é".encode(), 42), TokenLogprob("\ufffd", -9999.0, b"\xc3", 7)),
)


def chat(stream: Sequence[bytes]) -> list[Event]:
    return list(chat_events(stream))


def test_a_chat_from_prefill_to_its_end() -> None:
    progress = {"total": 12, "cache": 5, "processed": 9, "time_ms": 3}
    found = chat(
        [
            chunk({"role": "assistant", "content": None}, prompt_progress=progress),
            FIRST,
            chunk({"reasoning_content": "hm"}),
            chunk({"content": "Hel"}),
            chunk({"content": "lo"}),
            *LAST,
        ]
    )
    assert found == [
        Progress(processed=9, total=12, cached=5, ms=3.0),
        Reasoning("hm"),
        Content("Hel"),
        Content("lo"),
        Finish("stop", Usage(12, 3, 5), SPEED),
    ]


def test_tool_calls_in_pieces() -> None:
    def call(index: int, **more: Any) -> bytes:
        return chunk({"tool_calls": [{"index": index} | more]})

    found = chat(
        [
            FIRST,
            call(0, id="abc", type="function", function={"name": "f", "arguments": ""}),
            call(0, function={"arguments": '{"a":'}),
            call(0, function={"arguments": "1}"}),
            call(1, id="def", type="function", function={"name": "g", "arguments": "{}"}),
            chunk({}, "tool_calls"),
            LAST[1],
        ]
    )
    assert found[:-1] == [
        ToolCallDelta(0, "", "abc", "f"),
        ToolCallDelta(0, '{"a":'),
        ToolCallDelta(0, "1}"),
        ToolCallDelta(1, "{}", "def", "g"),
    ]
    assert isinstance(found[-1], Finish)
    assert found[-1].reason == "tool_calls"


@pytest.mark.parametrize(
    ("theirs", "ours"), [("length", "length"), ("stop", "stop"), ("x", "stop")]
)
def test_reasons_to_end(theirs: str, ours: str) -> None:
    (finish,) = chat([chunk({}, theirs), LAST[1]])
    assert isinstance(finish, Finish)
    assert finish.reason == ours


def test_the_stop_string_that_ended_a_chat() -> None:
    last = json.loads(LAST[0]) | {"__verbose": {"stopping_word": "\n\n", "stop_type": "word"}}
    (finish,) = chat([json.dumps(last).encode(), LAST[1]])
    assert finish == Finish("stop", Usage(12, 3, 5), SPEED, word="\n\n")


def test_logprobs_of_a_chat() -> None:
    found = chat([chunk({"content": "é"}, choice={"logprobs": {"content": [TOKEN]}}), *LAST])
    assert found[0] == Content("é", (LOGPROB,))


def test_a_token_without_a_whole_character_keeps_its_logprob() -> None:
    found = chat([chunk({"content": ""}, choice={"logprobs": {"content": [TOKEN]}}), *LAST])
    assert found[0] == Content("", (LOGPROB,))


@pytest.mark.parametrize("cut", range(4))
def test_a_cut_chat_has_no_finish(cut: int) -> None:
    whole = [FIRST, chunk({"content": "a"}), LAST[0], b"[DONE]"]
    assert not [event for event in chat(whole[:cut]) if isinstance(event, Finish)]
    assert not [event for event in chat(whole) if isinstance(event, Finish)]


@pytest.mark.parametrize("events", [chat_events, completion_events])
def test_an_error_in_the_stream_is_raised(events: Any) -> None:
    error = {"code": 500, "message": "it broke", "type": "server_error"}
    stream = events([json.dumps({"error": error}).encode()])
    with pytest.raises(EngineError, match=r"it broke\."):
        list(stream)
    error = {"code": 400, "type": "exceed_context_size_error", "n_prompt_tokens": 9, "n_ctx": 4}
    with pytest.raises(ContextTooLong):
        list(events([json.dumps({"error": error}).encode()]))


def test_a_completion_from_prefill_to_its_end() -> None:
    progress = {"total": 12, "cache": 0, "processed": 12}
    found = list(
        completion_events(
            [
                part("", prompt_progress=progress),
                part("é", completion_probabilities=[TOKEN]),
                part(""),
                part("b"),
                part(
                    "",
                    stop=True,
                    stop_type="word",
                    stopping_word="x",
                    id_slot=2,
                    truncated=True,
                    has_new_line=True,
                    tokens_cached=14,
                    prompt="Hi",
                    generation_settings={"n_predict": 3},
                    tokens_predicted=3,
                    tokens_evaluated=12,
                    timings=TIMINGS,
                ),
                b"[DONE]",
            ]
        )
    )
    assert found == [
        Progress(12, 12, 0),
        Content("é", (LOGPROB,), (1,)),
        Content("b", tokens=(1,)),
        Finish("stop", Usage(12, 3, 5), SPEED, DETAILS, "x"),
    ]


def test_probabilities_after_sampling_become_logarithms() -> None:
    token = {"id": 7, "token": "a", "bytes": [97], "prob": 0.5}
    token["top_probs"] = [token | {"prob": 1.0}, token | {"prob": 0.0}]
    (found,) = completion_events([part("a", completion_probabilities=[token])])
    assert isinstance(found, Content)
    assert found.logprobs[0].logprob == pytest.approx(-0.6931, abs=1e-4)
    assert [top.logprob for top in found.logprobs[0].top] == [0.0, -9999.0]


@pytest.mark.parametrize(
    ("theirs", "ours"), [("eos", "stop"), ("limit", "length"), ("word", "stop"), ("none", "stop")]
)
def test_reasons_to_end_a_completion(theirs: str, ours: str) -> None:
    (finish,) = completion_events([part("", stop=True, stop_type=theirs)])
    assert isinstance(finish, Finish)
    assert (finish.reason, finish.usage) == (ours, Usage(0, 0, 0))
    assert finish.details is not None
    assert finish.details.stop == theirs


def test_a_cut_completion_has_no_finish() -> None:
    found = list(completion_events([part("a"), part("b")]))
    assert found == [Content("a", tokens=(1,)), Content("b", tokens=(1,))]


@pytest.mark.parametrize("events", [chat_events, completion_events])
@given(st.binary() | st.sampled_from([b"3", b'{"choices": 3}', b'{"content": 3}', b"{", b"\xff"]))
def test_what_cannot_be_read_is_an_error_of_the_engine(events: Any, data: bytes) -> None:
    try:
        found = list(events([data]))
    except EngineError:
        return
    assert found == []


def test_json_that_was_cut_within_a_character_ends_by_its_length() -> None:
    stream = [
        FIRST,
        chunk({"content": "{"}, timings=TIMINGS),
        json.dumps({"error": UNREADABLE}).encode(),
    ]
    *_, content, finish = chat_events(stream, bound=True)
    assert content == Content("{")
    assert finish == Finish("length", Usage(12, 3, 5), SPEED)


def test_an_unreadable_tool_call_is_an_error() -> None:
    stream = [FIRST, chunk({"content": "{"}), json.dumps({"error": UNREADABLE}).encode()]
    with pytest.raises(EngineError, match="no proper tool call"):
        list(chat_events(stream))

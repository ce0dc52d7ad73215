"""`/api/v1/generate` as document 002 describes it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.contracts.browserllm import Api, Refused
from tests.helpers.server import RunningLuna
from tests.helpers.wire import Wire, eventually

pytestmark = pytest.mark.needs("engine")
GREEDY: Any = {"temperature": 0}
SCHEMA = {
    "type": "object",
    "properties": {"on": {"type": "boolean"}},
    "required": ["on"],
    "additionalProperties": False,
}


@pytest.fixture
def api(luna: RunningLuna) -> Api:
    return Api(luna.port)


def test_an_answer(api: Api) -> None:
    before = int(time.time())
    told = api.generate()
    assert told.keys() == {"text", "tokens", "finish_reason", "usage", "performance"}
    assert told["text"]
    assert (told["tokens"], told["finish_reason"]) == (6, "length")
    usage = told["usage"]
    assert usage["completion_tokens"] == 6
    assert usage["prompt_tokens"] > 0
    assert usage["total_tokens"] == usage["prompt_tokens"] + 6
    speed = told["performance"]
    assert speed["tokens_per_second"] > 0
    assert 0 < speed["latency_ms"] <= speed["total_time_ms"]
    stamp = json.loads(api.last.body)["metadata"]["timestamp"]
    assert before <= stamp <= time.time()


def test_a_stream_says_the_same_as_a_whole(api: Api) -> None:
    whole = api.generate(max_tokens=12, **GREEDY)
    *tokens, done = api.stream(max_tokens=12, **GREEDY)
    assert {each["type"] for each in tokens} == {"token"}
    assert all(each["data"].keys() == {"token"} for each in tokens)
    assert "".join(each["data"]["token"] for each in tokens) == whole["text"]
    assert done["type"] == "done"
    told = done["data"]["completion"]
    assert (told["text"], told["tokens"]) == (whole["text"], 12)
    assert told["usage"] == whole["usage"]


@pytest.mark.parametrize("stream", [False, True])
def test_json(api: Api, stream: bool) -> None:
    def text(**more: Any) -> str:
        if stream:
            return str(api.stream(max_tokens=512, **more)[-1]["data"]["completion"]["text"])
        return str(api.generate(max_tokens=512, **more)["text"])

    assert isinstance(json.loads(text(json_schema=SCHEMA))["on"], bool)
    assert isinstance(json.loads(text(json_schema=SCHEMA, json_mode=True))["on"], bool)


def test_json_mode(api: Api) -> None:
    told = api.generate(json_mode=True, max_tokens=400)
    assert told["text"].lstrip().startswith("{")
    if told["finish_reason"] == "stop":
        assert isinstance(json.loads(told["text"]), dict)


def test_a_stop_sequence_ends_the_answer(api: Api) -> None:
    text = api.generate(max_tokens=24, **GREEDY)["text"]
    word = text[len(text) // 2 :][:2]
    told = api.generate(max_tokens=24, stop=["never said", word], **GREEDY)
    assert told["text"] == text.partition(word)[0]
    assert told["finish_reason"] == "stop"


def test_fields_without_effect_are_named(api: Api) -> None:
    api.generate(top_q=1, model="tiny")
    assert api.last.fields["x-luna-ignored"] == "top_q"


@pytest.mark.parametrize(
    ("field", "value"),
    [("max_tokens", 4097), ("temperature", 2.5), ("top_k", 0), ("prompt", ""), ("stop", "x")],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_value_out_of_range(api: Api, field: str, value: Any, stream: bool) -> None:
    with pytest.raises(Refused) as caught:
        api.post("/generate", {"prompt": "Hi", "stream": stream, field: value})
    assert (caught.value.status, caught.value.code) == (400, "VALIDATION_ERROR")
    assert caught.value.param == field
    assert field in caught.value.message


def test_a_prompt_that_is_too_long(api: Api) -> None:
    with pytest.raises(Refused) as caught:
        api.generate("word " * 20_000)
    assert (caught.value.status, caught.value.code) == (400, "VALIDATION_ERROR")
    assert "context" in caught.value.message


def test_who_leaves_frees_the_slot(luna: RunningLuna) -> None:
    for stream in (True, False):
        body = json.dumps({"prompt": "Hi", "max_tokens": 4096, "stream": stream}).encode()
        head = f"POST /api/v1/generate HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        with Wire(luna.port) as wire:
            wire.send(head.encode() + body)
            eventually(lambda: luna.get("/health")["slots_processing"] == 1, "a run")
        eventually(lambda: luna.get("/health")["slots_processing"] == 0, "a free slot")

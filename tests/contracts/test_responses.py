"""The official client against `/v1/responses`."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.contracts.asking import tool

pytestmark = pytest.mark.needs("engine")
OSLO: Any = {"type": "function", "strict": True, **tool("get_weather", city="Oslo")["function"]}
SCHEMA = {
    "type": "object",
    "properties": {"colour": {"enum": ["red"]}},
    "required": ["colour"],
    "additionalProperties": False,
}
FORM: Any = {"format": {"type": "json_schema", "name": "colour", "schema": SCHEMA}}


def test_a_response(client: OpenAI) -> None:
    done = client.responses.create(model="luna-small", input="Hello!", max_output_tokens=6)
    assert done.id.startswith("resp_")
    assert (done.object, done.model, done.status) == ("response", "luna-small", "incomplete")
    assert done.incomplete_details is not None
    assert done.incomplete_details.reason == "max_output_tokens"
    assert done.output_text
    assert done.usage is not None
    assert done.usage.output_tokens == 6
    assert done.usage.total_tokens == done.usage.input_tokens + 6


def test_a_stream_says_the_same_as_a_whole(client: OpenAI) -> None:
    asked: Any = {"model": "tiny", "input": "Hello!", "max_output_tokens": 12, "temperature": 0}
    whole = client.responses.create(**asked)
    events = list(client.responses.create(**asked, stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    said = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(said) == whole.output_text
    last = events[-1]
    assert last.type == "response.incomplete"
    assert last.response.output_text == whole.output_text


def test_instructions_and_earlier_turns_are_read(client: OpenAI) -> None:
    asked: Any = {"model": "tiny", "max_output_tokens": 1}
    short = client.responses.create(input="Hello!", **asked)
    history: Any = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "Hello!"},
    ]
    long = client.responses.create(input=history, instructions="Be kind.", **asked)
    assert short.usage is not None
    assert long.usage is not None
    assert long.usage.input_tokens > short.usage.input_tokens
    assert long.instructions == "Be kind."


@pytest.mark.parametrize("choice", ["required", {"type": "function", "name": "get_weather"}])
def test_a_call_and_what_comes_of_it(client: OpenAI, choice: Any) -> None:
    asked: Any = {"model": "tiny", "max_output_tokens": 200, "tools": [OSLO]}
    with client.responses.stream(input="Weather?", tool_choice=choice, **asked) as stream:
        done = stream.get_final_response()
    (call,) = [item for item in done.output if item.type == "function_call"]
    assert call.name == "get_weather"
    assert json.loads(call.arguments) == {"city": "Oslo"}
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "7 degrees"}
    history: Any = [{"role": "user", "content": "Weather?"}, *done.output, result]
    answer = client.responses.create(input=history, **asked | {"max_output_tokens": 8})
    assert answer.output_text


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_fits_a_schema(client: OpenAI, stream: bool) -> None:
    asked: Any = {"model": "tiny", "input": "Colour?", "text": FORM, "max_output_tokens": 100}
    if stream:
        *_, last = client.responses.create(**asked, stream=True)
        assert last.type == "response.completed"
        text = last.response.output_text
    else:
        text = client.responses.create(**asked).output_text
    assert json.loads(text) == {"colour": "red"}


def test_what_has_no_effect_is_named(client: OpenAI) -> None:
    asked: Any = {"model": "tiny", "input": "x", "max_output_tokens": 1}
    raw = client.responses.with_raw_response.create(**asked, store=True, user="me")
    assert raw.headers["x-luna-ignored"] == "user"
    raw = client.responses.with_raw_response.create(**asked, store=False)
    assert "x-luna-ignored" not in raw.headers


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"conversation": "conv_1"}, "conversation"),
        ({"background": True}, "background"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
    ],
)
def test_refusals(client: OpenAI, more: Any, param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="tiny", input="x", **more)
    assert caught.value.param == param


def test_a_conversation_that_is_too_long(client: OpenAI) -> None:
    history: Any = [{"role": "user", "content": text} for text in ("one two " * 1500, "Hello!")]
    asked: Any = {"model": "tiny", "input": history, "max_output_tokens": 1}
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(**asked)
    assert caught.value.code == "context_length_exceeded"
    done = client.responses.create(**asked, truncation="auto")
    assert done.usage is not None
    assert done.usage.input_tokens < 100

"""The `anthropic` package against `/v1/messages`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from tests.helpers.server import RunningLuna

pytestmark = pytest.mark.needs("engine")
HELLO: Any = [{"role": "user", "content": "Hello!"}]
OSLO: Any = [
    {
        "name": "get_weather",
        "description": "The weather in a city.",
        "input_schema": {
            "type": "object",
            "properties": {"city": {"type": "string", "enum": ["Oslo"]}},
            "required": ["city"],
            "additionalProperties": False,
        },
    }
]
GREEDY: Any = {"temperature": 0}


@pytest.fixture(scope="module")
def app(luna: RunningLuna) -> Iterator[anthropic.Anthropic]:
    options: Any = {"api_key": "none", "max_retries": 0, "timeout": 30}
    with anthropic.Anthropic(base_url=luna.url, **options) as client:
        yield client


def text_of(message: anthropic.types.Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def test_an_answer(app: anthropic.Anthropic) -> None:
    done = app.messages.create(model="tiny", max_tokens=6, messages=HELLO, system="Be brief.")
    assert done.id.startswith("msg_")
    assert (done.type, done.role, done.model) == ("message", "assistant", "tiny")
    assert (done.stop_reason, done.stop_sequence) == ("max_tokens", None)
    assert text_of(done)
    assert done.usage.output_tokens == 6
    assert done._request_id


def test_a_stream_says_the_same_as_a_whole(app: anthropic.Anthropic) -> None:
    asked: Any = {"model": "tiny", "max_tokens": 12, "messages": HELLO, "extra_body": GREEDY}
    whole = app.messages.create(**asked)
    with app.messages.stream(**asked) as stream:
        said = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert said == text_of(final) == text_of(whole)
    assert final.stop_reason == "max_tokens"
    assert final.usage.output_tokens == 12


def test_the_asynchronous_client(luna: RunningLuna) -> None:
    async def ask() -> str:
        options: Any = {"api_key": "none", "max_retries": 0}
        async with anthropic.AsyncAnthropic(base_url=luna.url, **options) as client:
            asked: Any = {"model": "tiny", "max_tokens": 4, "messages": HELLO}
            async with client.messages.stream(**asked) as stream:
                return "".join([text async for text in stream.text_stream])

    assert asyncio.run(ask())


@pytest.mark.parametrize("stream", [False, True])
def test_the_stop_sequence_is_told(app: anthropic.Anthropic, stream: bool) -> None:
    asked: Any = {"model": "tiny", "max_tokens": 24, "messages": HELLO, "extra_body": GREEDY}
    text = text_of(app.messages.create(**asked))
    word = text[len(text) // 2 : len(text) // 2 + 2]
    asked["stop_sequences"] = ["never said", word]
    if stream:
        with app.messages.stream(**asked) as events:
            done: anthropic.types.Message = events.get_final_message()
    else:
        done = app.messages.create(**asked)
    assert text_of(done) == text[: text.index(word)]
    assert (done.stop_reason, done.stop_sequence) == ("stop_sequence", word)


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "get_weather"}])
@pytest.mark.parametrize("stream", [False, True])
def test_a_call_and_what_comes_of_it(app: anthropic.Anthropic, choice: Any, stream: bool) -> None:
    asked: Any = {"model": "tiny", "max_tokens": 200, "tools": OSLO}
    if stream:
        with app.messages.stream(messages=HELLO, tool_choice=choice, **asked) as events:
            done: anthropic.types.Message = events.get_final_message()
    else:
        done = app.messages.create(messages=HELLO, tool_choice=choice, **asked)
    assert done.stop_reason == "tool_use"
    (call,) = [block for block in done.content if block.type == "tool_use"]
    assert (call.name, call.input) == ("get_weather", {"city": "Oslo"})
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "7 degrees"}
    history: Any = [
        *HELLO,
        {"role": "assistant", "content": done.content},
        {"role": "user", "content": [result, {"type": "text", "text": "So?"}]},
    ]
    answer = app.messages.create(messages=history, **asked | {"max_tokens": 3})
    assert text_of(answer)


def test_an_answer_that_fits_a_schema(app: anthropic.Anthropic) -> None:
    schema = {
        "type": "object",
        "properties": {"colour": {"enum": ["red"]}},
        "required": ["colour"],
        "additionalProperties": False,
    }
    form: Any = {"format": {"type": "json_schema", "schema": schema}}
    done = app.messages.create(model="tiny", max_tokens=100, messages=HELLO, output_config=form)
    assert json.loads(text_of(done)) == {"colour": "red"}


def test_tokens_are_counted_as_they_will_be_used(app: anthropic.Anthropic) -> None:
    asked: Any = {"model": "tiny", "messages": HELLO, "system": "Be brief.", "tools": OSLO}
    counted = app.messages.count_tokens(**asked).input_tokens
    usage = app.messages.create(max_tokens=1, **asked).usage
    assert counted == usage.input_tokens + (usage.cache_read_input_tokens or 0)


def test_refusals(app: anthropic.Anthropic) -> None:
    image: Any = {"type": "image", "source": {"type": "url", "url": "https://x.example/y.png"}}
    with pytest.raises(anthropic.BadRequestError, match="text only") as caught:
        app.messages.create(
            model="tiny", max_tokens=1, messages=[{"role": "user", "content": [image]}]
        )
    assert caught.value.request_id
    body: Any = caught.value.body
    assert body["error"]["type"] == "invalid_request_error"
    long: Any = [{"role": "user", "content": "one two " * 2000}]
    with pytest.raises(anthropic.BadRequestError, match=r"prompt is too long: \d+ tokens > 2048"):
        app.messages.create(model="tiny", max_tokens=1, messages=long)

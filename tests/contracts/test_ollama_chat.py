"""The `ollama` package against `/api/chat` and `/api/generate`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import ollama
import pytest

from tests.contracts.asking import tool
from tests.helpers.server import RunningLuna

pytestmark = pytest.mark.needs("engine")
HELLO = [{"role": "user", "content": "Hello!"}]
SCHEMA = {
    "type": "object",
    "properties": {"colour": {"type": "string", "enum": ["red"]}, "count": {"enum": [1, 2]}},
    "required": ["colour", "count"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def app(luna: RunningLuna) -> Iterator[ollama.Client]:
    with ollama.Client(luna.url, timeout=30) as client:
        yield client


def short(tokens: int, **more: Any) -> dict[str, Any]:
    return {"num_predict": tokens, **more}


def test_an_answer(app: ollama.Client) -> None:
    done = app.chat("tiny", HELLO, options=short(6))
    assert (done.model, done.done, done.done_reason) == ("tiny", True, "length")
    assert done.message.role == "assistant"
    assert done.message.content
    assert done.message.tool_calls is None
    assert done.eval_count == 6
    assert (done.prompt_eval_count or 0) > 0
    parts = (done.load_duration, done.prompt_eval_duration, done.eval_duration)
    assert all(isinstance(part, int) for part in parts)
    assert (done.total_duration or 0) > (done.eval_duration or 0) > 0


def test_a_stream_says_the_same_as_a_whole(app: ollama.Client) -> None:
    options = short(12, seed=5, temperature=1.5)
    whole = app.chat("tiny", HELLO, options=options)
    parts = list(app.chat("tiny", HELLO, options=options, stream=True))
    assert "".join(part.message.content or "" for part in parts) == whole.message.content
    assert [part.done for part in parts] == [False] * (len(parts) - 1) + [True]
    assert [part.eval_count for part in parts[:-1]] == [None] * (len(parts) - 1)
    assert parts[-1].eval_count == 12


def test_the_asynchronous_client(luna: RunningLuna) -> None:
    async def ask() -> str:
        async with ollama.AsyncClient(luna.url, timeout=30) as client:
            stream = await client.chat("tiny", HELLO, options=short(4), stream=True)
            return "".join([part.message.content or "" async for part in stream])

    assert asyncio.run(ask())


@pytest.mark.parametrize("stop", ["e", ["e", "never said"]])
def test_a_stop_string(app: ollama.Client, stop: Any) -> None:
    options = short(60, seed=3, temperature=1.0)
    text = app.chat("tiny", HELLO, options=options).message.content or ""
    assert "e" in text
    done = app.chat("tiny", HELLO, options=options | {"stop": stop})
    assert done.message.content == text[: text.index("e")]
    assert done.done_reason == "stop"


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_fits_a_schema(app: ollama.Client, stream: bool) -> None:
    asked: Any = {"model": "tiny", "messages": HELLO, "format": SCHEMA, "options": short(200)}
    if stream:
        text = "".join(part.message.content or "" for part in app.chat(**asked, stream=True))
    else:
        text = app.chat(**asked).message.content or ""
    found = json.loads(text)
    assert found["colour"] == "red"
    assert found["count"] in (1, 2)


def test_json_without_a_schema_is_json_as_far_as_it_goes(app: ollama.Client) -> None:
    done = app.generate("tiny", "Hello!", format="json", options=short(200, temperature=0))
    if done.done_reason == "stop":
        json.loads(done.response or "")


def test_tools_are_told_to_the_model(app: ollama.Client) -> None:
    alone = app.chat("tiny", HELLO, options=short(1))
    tools: Any = [tool("get_weather", city="Oslo")]
    offered = app.chat("tiny", HELLO, tools=tools, options=short(1))
    assert (offered.prompt_eval_count or 0) > (alone.prompt_eval_count or 0)


def test_a_whole_round_with_tools(app: ollama.Client) -> None:
    call = ollama.Message.ToolCall(
        function=ollama.Message.ToolCall.Function(name="get_weather", arguments={"city": "Oslo"})
    )
    history: Any = [
        *HELLO,
        ollama.Message(role="assistant", tool_calls=[call]),
        ollama.Message(role="tool", tool_name="get_weather", content="7 degrees"),
    ]
    done = app.chat("tiny", history, options=short(8))
    before = app.chat("tiny", HELLO, options=short(1))
    assert done.message.content
    assert (done.prompt_eval_count or 0) > (before.prompt_eval_count or 0)


def test_a_completion_and_how_it_goes_on(app: ollama.Client) -> None:
    first = app.generate("tiny", "Hello!", system="Be brief.", options=short(5))
    assert first.response
    assert first.context
    second = app.generate("tiny", "More!", context=first.context, options=short(5))
    assert (second.prompt_eval_count or 0) > (first.prompt_eval_count or 0)
    assert len(second.context or []) > len(first.context)
    *others, last = app.generate("tiny", "More!", context=first.context, stream=True)
    assert all(part.context is None for part in others)
    assert last.context


def test_raw_text_is_what_the_model_reads(app: ollama.Client) -> None:
    raw = app.generate("tiny", "Hello!", raw=True, options=short(5))
    dressed = app.generate("tiny", "Hello!", options=short(5))
    assert (raw.prompt_eval_count or 0) < (dressed.prompt_eval_count or 0)
    assert raw.context is None


def test_what_stands_between(app: ollama.Client) -> None:
    done = app.generate("tiny", "def add(a, b):", suffix="return c", options=short(5))
    assert done.response
    assert done.eval_count == 5


def test_logprobs(app: ollama.Client) -> None:
    done = app.chat("tiny", HELLO, options=short(3), logprobs=True, top_logprobs=2)
    assert done.logprobs is not None
    assert 0 < len(done.logprobs) <= 3  # half a character at the end has none
    for each in done.logprobs:
        assert each.logprob < 0
        assert len(each.top_logprobs or []) == 2


def test_a_conversation_that_is_too_long_loses_its_oldest_turns(app: ollama.Client) -> None:
    long = {"role": "user", "content": "one two " * 1500}
    history = [{"role": "system", "content": "Be brief."}, long, *HELLO]
    done = app.chat("tiny", history, options=short(2))
    assert done.eval_count == 2  # which may be half a character, and no text
    assert (done.prompt_eval_count or 0) < 200
    with pytest.raises(ollama.ResponseError, match="context") as caught:
        app.chat("tiny", [long], options=short(2))
    assert caught.value.status_code == 400


def test_images_are_refused(app: ollama.Client) -> None:
    with pytest.raises(ollama.ResponseError, match="text only"):
        app.chat("tiny", [{"role": "user", "content": "x", "images": ["aGVsbG8="]}])

"""The official client against `/v1/chat/completions`: answers, streams, what bounds them."""

from __future__ import annotations

import asyncio

import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletionMessageParam

from tests.contracts.asking import HELLO, text_of
from tests.helpers.server import RunningLuna

pytestmark = pytest.mark.needs("engine")


def test_an_answer(client: OpenAI) -> None:
    done = client.chat.completions.create(model="luna-small", messages=HELLO, max_tokens=6)
    (choice,) = done.choices
    assert done.id.startswith("chatcmpl-")
    assert done.object == "chat.completion"
    assert done.model == "luna-small"
    assert choice.message.role == "assistant"
    assert choice.message.content
    assert choice.finish_reason == "length"
    assert done.usage is not None
    assert done.usage.completion_tokens == 6
    assert done.usage.prompt_tokens > 0
    assert done.usage.total_tokens == done.usage.prompt_tokens + 6


def test_a_stream_with_usage(client: OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="luna-small",
            messages=HELLO,
            max_tokens=6,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    *answer, last = chunks
    assert answer[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in answer] == [None] * (len(answer) - 1) + [
        "length"
    ]
    assert {chunk.id for chunk in chunks} == {answer[0].id}
    assert all(chunk.usage is None for chunk in answer)
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.completion_tokens == 6


def test_a_stream_without_usage(client: OpenAI) -> None:
    stream = client.chat.completions.create(
        model="luna-small", messages=HELLO, max_tokens=3, stream=True
    )
    assert all(chunk.usage is None and len(chunk.choices) == 1 for chunk in stream)


def test_the_same_seed_says_the_same_streamed_or_not(client: OpenAI) -> None:
    def ask(seed: int) -> str | None:
        done = client.chat.completions.create(
            model="luna-small", messages=HELLO, max_tokens=12, seed=seed, temperature=1.5
        )
        return done.choices[0].message.content

    stream = client.chat.completions.create(
        model="luna-small", messages=HELLO, max_tokens=12, seed=5, temperature=1.5, stream=True
    )
    assert ask(5) == ask(5) == text_of(stream)
    assert len({ask(seed) for seed in range(5)}) > 1


def test_several_choices(client: OpenAI) -> None:
    done = client.chat.completions.create(
        model="luna-small", messages=HELLO, max_tokens=12, seed=5, temperature=1.5, n=3
    )
    alone = client.chat.completions.create(
        model="luna-small", messages=HELLO, max_tokens=12, seed=5, temperature=1.5
    )
    texts = [choice.message.content for choice in done.choices]
    assert [choice.index for choice in done.choices] == [0, 1, 2]
    assert len(set(texts)) > 1
    assert texts[0] == alone.choices[0].message.content
    assert done.usage is not None
    assert alone.usage is not None
    assert done.usage.completion_tokens == 36
    assert done.usage.prompt_tokens == alone.usage.prompt_tokens


def test_several_choices_as_a_stream(client: OpenAI) -> None:
    done = client.chat.completions.create(
        model="luna-small", messages=HELLO, max_tokens=12, seed=5, temperature=1.5, n=3
    )
    chunks = list(
        client.chat.completions.create(
            model="luna-small",
            messages=HELLO,
            max_tokens=12,
            seed=5,
            temperature=1.5,
            n=3,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    for choice in done.choices:
        own = [c for chunk in chunks for c in chunk.choices if c.index == choice.index]
        assert own[0].delta.role == "assistant"
        assert [c.finish_reason for c in own if c.finish_reason] == ["length"]
        assert text_of(chunks, choice.index) == choice.message.content
    assert chunks[-1].usage is not None
    assert done.usage is not None
    assert chunks[-1].usage.completion_tokens == 36
    assert chunks[-1].usage.prompt_tokens == done.usage.prompt_tokens


@pytest.mark.parametrize("stream", [False, True])
def test_stop(client: OpenAI, stream: bool) -> None:
    whole = client.chat.completions.create(
        model="luna-small", messages=HELLO, max_tokens=24, temperature=0
    )
    text = whole.choices[0].message.content or ""
    middle = text[len(text) // 2]
    if stream:
        chunks = list(
            client.chat.completions.create(
                model="luna-small",
                messages=HELLO,
                max_tokens=24,
                temperature=0,
                stop=[middle, "never said"],
                stream=True,
            )
        )
        said, reason = text_of(chunks), chunks[-1].choices[0].finish_reason
    else:
        done = client.chat.completions.create(
            model="luna-small", messages=HELLO, max_tokens=24, temperature=0, stop=middle
        )
        said, reason = done.choices[0].message.content or "", done.choices[0].finish_reason
    assert said == text[: text.index(middle)]
    assert reason == "stop"


def test_the_newer_limit_wins(client: OpenAI) -> None:
    done = client.chat.completions.create(
        model="luna-small", messages=HELLO, max_tokens=9, max_completion_tokens=4
    )
    assert done.usage is not None
    assert done.usage.completion_tokens == 4


def test_roles_parts_and_tool_results_are_taken(client: OpenAI) -> None:
    messages: list[ChatCompletionMessageParam] = [
        {"role": "developer", "content": "Be brief."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "One,"}, {"type": "text", "text": " two"}],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "count", "arguments": '{"to": 3}'},
                },
                {"id": "call_2", "type": "function", "function": {"name": "stop", "arguments": ""}},
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "three"},
        {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "done"}]},
    ]
    done = client.chat.completions.create(model="luna-small", messages=messages, max_tokens=4)
    assert done.usage is not None
    short = client.chat.completions.create(model="luna-small", messages=messages[:2], max_tokens=4)
    assert short.usage is not None
    assert done.usage.prompt_tokens > short.usage.prompt_tokens


def test_v1_itself_is_chat(luna: RunningLuna) -> None:
    with OpenAI(base_url=luna.url, api_key="none", max_retries=0) as client:
        for path in ("/v1/", "/v1"):
            done = client.post(
                path,
                cast_to=object,
                body={"messages": HELLO, "max_tokens": 2, "model": "luna-small"},
            )
            assert isinstance(done, dict)
            assert done["object"] == "chat.completion"


def test_the_asynchronous_client(luna: RunningLuna) -> None:
    async def ask() -> list[str]:
        async with AsyncOpenAI(base_url=f"{luna.url}/v1", api_key="none", max_retries=0) as client:
            stream = await client.chat.completions.create(
                model="luna-small", messages=HELLO, max_tokens=4, seed=1, stream=True
            )
            said = [text_of([chunk]) async for chunk in stream]
            done = await client.chat.completions.create(
                model="luna-small", messages=HELLO, max_tokens=4, seed=1
            )
            return ["".join(said), done.choices[0].message.content or ""]

    streamed, whole = asyncio.run(ask())
    assert streamed == whole

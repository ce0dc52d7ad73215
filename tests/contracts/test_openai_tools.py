"""The official client: tools that the caller runs itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletionMessage

from tests.contracts.asking import HELLO, text_of, tool

pytestmark = pytest.mark.needs("engine")
TOOLS = [tool("get_weather", city="Oslo", unit="celsius"), tool("ring", bell="front")]
ARGUMENTS = {"get_weather": {"city": "Oslo", "unit": "celsius"}, "ring": {"bell": "front"}}


def asked(client: OpenAI, **fields: Any) -> tuple[ChatCompletionMessage, str]:
    """The answer with both tools on offer, and why it ended."""
    body: Any = {"model": "luna-small", "messages": HELLO, "tools": TOOLS, "max_tokens": 300}
    (choice,) = client.chat.completions.create(**body | fields).choices
    return choice.message, choice.finish_reason


def test_a_call_is_required(client: OpenAI) -> None:
    message, reason = asked(client, tool_choice="required")
    assert reason == "tool_calls"
    assert message.tool_calls
    for call in message.tool_calls:
        assert call.type == "function"
        assert call.id
        assert json.loads(call.function.arguments) == ARGUMENTS[call.function.name]


@pytest.mark.parametrize("name", ["get_weather", "ring"])
def test_a_named_call(client: OpenAI, name: str) -> None:
    choice = {"type": "function", "function": {"name": name}}
    message, _ = asked(client, tool_choice=choice, parallel_tool_calls=False)
    (call,) = message.tool_calls or []
    assert call.type == "function"
    assert call.function.name == name
    assert json.loads(call.function.arguments) == ARGUMENTS[name]


@pytest.mark.parametrize("choice", ["none", "auto"])
def test_no_call_is_made_of_a_models_babble(client: OpenAI, choice: str) -> None:
    message, reason = asked(client, tool_choice=choice, max_tokens=12)
    assert message.tool_calls is None
    assert message.content
    assert reason == "length"


def test_tools_that_must_not_be_called_are_not_told_to_the_model(client: OpenAI) -> None:
    without = client.chat.completions.create(model="luna-small", messages=HELLO, max_tokens=1)
    offered = client.chat.completions.create(
        model="luna-small", messages=HELLO, max_tokens=1, tools=TOOLS, tool_choice="none"
    )
    assert without.usage is not None
    assert offered.usage is not None
    assert offered.usage.prompt_tokens == without.usage.prompt_tokens


def test_streamed_deltas_make_whole_calls(client: OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="luna-small",
            messages=HELLO,
            tools=TOOLS,
            tool_choice="required",
            max_tokens=300,
            stream=True,
        )
    )
    calls: dict[int, dict[str, Any]] = {}
    for delta in (d for chunk in chunks for d in chunk.choices[0].delta.tool_calls or []):
        call = calls.setdefault(delta.index, {"ids": [], "names": [], "arguments": ""})
        assert delta.function is not None
        call["ids"] += [delta.id] if delta.id else []
        call["names"] += [delta.function.name] if delta.function.name else []
        call["arguments"] += delta.function.arguments or ""
    assert list(calls) == list(range(len(calls)))
    assert calls
    for call in calls.values():
        assert len(call["ids"]) == 1
        (name,) = call["names"]
        assert json.loads(call["arguments"]) == ARGUMENTS[name]
    assert chunks[-1].choices[0].finish_reason == "tool_calls"
    assert text_of(chunks).strip() == ""


def test_a_whole_round(client: OpenAI) -> None:
    message, _ = asked(client, tool_choice="required")
    history: list[Any] = [*HELLO, message]
    for call in message.tool_calls or []:
        history.append({"role": "tool", "tool_call_id": call.id, "content": "It is 7 degrees."})
    answer, reason = asked(client, messages=history, tool_choice="none", max_tokens=5)
    assert answer.content
    assert reason == "length"

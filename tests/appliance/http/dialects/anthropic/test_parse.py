from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.messages import Message, Role, ToolCall, ToolDefinition
from appliance.domain.requests import (
    ChatRequest,
    Generation,
    ResponseFormat,
    ToolChoice,
)
from appliance.domain.sampling import Sampling
from appliance.errors import BadRequest, MissingField, Unsupported
from appliance.http.bodies import decode
from appliance.http.dialects.anthropic import parse
from appliance.http.dialects.anthropic.requests import AnthropicBody, AnthropicCountBody

HI = [{"role": "user", "content": "Hi"}]
TOOLS = [{"name": "f", "description": "d", "input_schema": {"type": "object"}}, {"name": "g"}]


def chat(**more: Any) -> ChatRequest:
    body = {"model": "m", "max_tokens": 9, "messages": HI} | more
    return parse.chat(decode(json.dumps(body).encode(), AnthropicBody))


def turns(*messages: Any) -> tuple[Message, ...]:
    return chat(messages=list(messages)).messages


BLOCKS = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["text", "tool_result", "tool_use", "thinking", "image"])},
        optional={
            "text": st.text(),
            "thinking": st.text(),
            "id": st.text(),
            "name": st.text(),
            "input": st.dictionaries(st.text(), st.integers()),
            "tool_use_id": st.text(),
            "content": st.text() | st.lists(st.just({"type": "text", "text": "x"})),
        },
    ),
    max_size=4,
)


@given(st.sampled_from(["user", "assistant"]), BLOCKS)
def test_blocks_are_taken_or_refused_with_their_place(role: str, blocks: list[Any]) -> None:
    place = "messages[0].content["
    try:
        found = turns({"role": role, "content": blocks})
    except BadRequest as error:
        found, place = (), error.param or ""
    assert place.startswith("messages[0].content[")
    if not found:
        return
    said = "".join(block.get("text", "") for block in blocks if block["type"] == "text")
    spoken = [each for each in found if each.role is not Role.TOOL]
    assert "".join(each.content for each in spoken).replace("\n", "") == said.replace("\n", "")


def test_a_plain_chat() -> None:
    assert chat() == ChatRequest(
        Generation("m", max_tokens=9), (Message(Role.USER, "Hi"),), thinking=False
    )


def test_settings() -> None:
    found = chat(temperature=0.5, top_p=0.9, top_k=4, stop_sequences=["a", ""], system="Be brief.")
    sampling = Sampling(temperature=0.5, top_p=0.9, top_k=4)
    assert found.generation == Generation("m", 9, ("a",), sampling)
    assert found.messages[0] == Message(Role.SYSTEM, "Be brief.")
    blocks = [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]
    assert chat(system=[*blocks, *blocks]).messages[0].content == "a\n\na"


def test_a_round_with_tools() -> None:
    found = turns(
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": ""},
                {"type": "redacted_thinking", "data": "x"},
                {"type": "text", "text": "Let me see."},
                {"type": "tool_use", "id": "1", "name": "f", "input": {"a": [1]}},
                {"type": "tool_use", "id": "2", "name": "g", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "1", "content": "one"},
                {
                    "type": "tool_result",
                    "tool_use_id": "2",
                    "content": [{"type": "text", "text": "two"}],
                    "is_error": True,
                },
                {"type": "text", "text": "And?"},
            ],
        },
    )
    calls = (ToolCall("1", "f", '{"a":[1]}'), ToolCall("2", "g", "{}"))
    assert found == (
        Message(Role.ASSISTANT, "Let me see.", reasoning="hm", tool_calls=calls),
        Message(Role.TOOL, "one", tool_call_id="1"),
        Message(Role.TOOL, "two", tool_call_id="2"),
        Message(Role.USER, "And?"),
    )


def test_an_empty_turn_stays_a_turn() -> None:
    assert turns({"role": "user", "content": []}) == (Message(Role.USER, ""),)


def test_tools_and_choices() -> None:
    found = chat(tools=TOOLS)
    assert found.tools == (ToolDefinition("f", "d", {"type": "object"}), ToolDefinition("g"))
    assert found.tool_choice == ToolChoice()
    assert chat(tools=TOOLS, tool_choice={"type": "none"}).tool_choice == ToolChoice("none")
    assert chat(tools=TOOLS, tool_choice={"type": "any"}).tool_choice == ToolChoice("required")
    named = chat(tools=TOOLS, tool_choice={"type": "tool", "name": "g"})
    assert named.tool_choice == ToolChoice("required", "g")
    assert named.parallel_tool_calls
    alone = chat(tools=TOOLS, tool_choice={"type": "auto", "disable_parallel_tool_use": True})
    assert not alone.parallel_tool_calls


@pytest.mark.parametrize(
    ("thinking", "wanted"),
    [
        (None, False),
        ({"type": "disabled"}, False),
        ({"type": "enabled", "budget_tokens": 1024}, True),
        ({"type": "adaptive"}, None),
    ],
)
def test_thoughts_have_to_be_asked_for(thinking: Any, wanted: bool | None) -> None:
    assert chat(thinking=thinking).thinking is wanted


def test_a_form_for_the_answer() -> None:
    schema = {"type": "object"}
    found = chat(output_config={"format": {"type": "json_schema", "schema": schema}})
    assert found.response_format == ResponseFormat("json_schema", schema)
    assert chat(output_config={"effort": "low"}).response_format == ResponseFormat()


@pytest.mark.parametrize(
    ("more", "kind", "param"),
    [
        ({"messages": []}, BadRequest, "messages"),
        ({"max_tokens": 0}, BadRequest, "max_tokens"),
        ({"tools": [{"type": "web_search_20250305", "name": "x"}]}, Unsupported, "tools[0].type"),
        ({"tool_choice": {"type": "any"}}, BadRequest, "tools"),
        ({"tools": TOOLS, "tool_choice": {"type": "tool", "name": "h"}}, BadRequest, "tools"),
        ({"system": [{"type": "image"}]}, Unsupported, "system[0].type"),
        (
            {"messages": [{"role": "user", "content": [{"type": "document"}]}]},
            Unsupported,
            "messages[0].content[0].type",
        ),
        (
            {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "1"}]}]},
            MissingField,
            "messages[0].content[0].name",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "tool_result"}]}]},
            MissingField,
            "messages[0].content[0].tool_use_id",
        ),
    ],
)
def test_what_is_wrong_is_named(more: dict[str, Any], kind: type[BadRequest], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        chat(**more)
    assert type(caught.value) is kind
    assert caught.value.param == param


def test_counting_needs_no_limit() -> None:
    body = decode(json.dumps({"model": "m", "messages": HI}).encode(), AnthropicCountBody)
    assert parse.chat(body).generation == Generation("m")
    with suppress(MissingField):
        decode(b'{"model": "m", "messages": [{"role": "user", "content": "x"}]}', AnthropicBody)
        pytest.fail("an answer needs a limit")

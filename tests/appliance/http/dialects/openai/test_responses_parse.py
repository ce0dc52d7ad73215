from __future__ import annotations

import json
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
from appliance.http.dialects.openai import responses_parse as parse
from appliance.http.dialects.openai.responses_requests import ResponsesBody

F = {"type": "function", "name": "f", "description": "d", "parameters": {}, "strict": True}
G = {"type": "function", "name": "g"}


def chat(**more: Any) -> ChatRequest:
    return parse.chat(decode(json.dumps({"input": "Hi"} | more).encode(), ResponsesBody))


def turns(*items: Any) -> tuple[Message, ...]:
    return chat(input=list(items)).messages


def thought(text: str) -> dict[str, Any]:
    return {"type": "reasoning", "content": [{"type": "reasoning_text", "text": text}]}


def call(id: str, name: str = "f") -> dict[str, Any]:
    return {"type": "function_call", "call_id": id, "name": name, "arguments": "{}"}


def output(id: str, text: str) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": id, "output": text}


def said(role: str, text: str) -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


ITEMS = st.lists(
    st.one_of(
        st.builds(said, st.sampled_from(["user", "assistant", "developer"]), st.text()),
        st.builds(thought, st.text()),
        st.builds(call, st.text()),
        st.builds(output, st.text(), st.text()),
    ),
    min_size=1,
    max_size=8,
)


@given(ITEMS)
def test_every_item_is_told_once(items: list[Any]) -> None:
    found = turns(*items)
    texts = "".join(item["content"][0]["text"] for item in items if item["type"] == "message")
    outputs = [item["output"] for item in items if item["type"] == "function_call_output"]
    calls = [item["call_id"] for item in items if item["type"] == "function_call"]
    thoughts = "".join(i["content"][0]["text"] for i in items if i["type"] == "reasoning")
    assert "".join(each.content for each in found if each.role is not Role.TOOL) == texts
    assert [each.content for each in found if each.role is Role.TOOL] == outputs
    assert [one.id for each in found for one in each.tool_calls] == calls
    assert "".join(each.reasoning or "" for each in found) == thoughts


def test_a_plain_text() -> None:
    assert chat() == ChatRequest(Generation(""), (Message(Role.USER, "Hi"),))


def test_settings() -> None:
    found = chat(
        model="m",
        instructions="Be brief.",
        max_output_tokens=9,
        temperature=0.5,
        top_p=0.9,
        reasoning={"effort": "none"},
        parallel_tool_calls=False,
    )
    assert found == ChatRequest(
        Generation("m", 9, sampling=Sampling(temperature=0.5, top_p=0.9)),
        (Message(Role.SYSTEM, "Be brief."), Message(Role.USER, "Hi")),
        parallel_tool_calls=False,
        thinking=False,
    )
    assert chat(reasoning={"effort": "high"}).thinking is None


def test_what_the_model_said_in_one_go_is_one_turn() -> None:
    found = turns(
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        thought("hm"),
        said("assistant", "Let me see."),
        call("1", "f"),
        call("2", "g"),
        output("2", "two"),
        output("1", "one"),
        thought("so"),
        said("assistant", "Done."),
        {"role": "user", "content": "Thanks"},
    )
    calls = (ToolCall("1", "f", "{}"), ToolCall("2", "g", "{}"))
    assert found == (
        Message(Role.SYSTEM, "Be brief."),
        Message(Role.USER, "Hi"),
        Message(Role.ASSISTANT, "Let me see.", reasoning="hm", tool_calls=calls),
        Message(Role.TOOL, "two", tool_call_id="2", name="g"),
        Message(Role.TOOL, "one", tool_call_id="1", name="f"),
        Message(Role.ASSISTANT, "Done.", reasoning="so"),
        Message(Role.USER, "Thanks"),
    )


def test_tools_and_choices() -> None:
    found = chat(tools=[F, G])
    assert found.tools == (ToolDefinition("f", "d", {}, True), ToolDefinition("g"))
    assert found.tool_choice == ToolChoice()
    assert chat(tools=[F], tool_choice="none").tool_choice == ToolChoice("none")
    assert chat(tools=[F], tool_choice="required").tool_choice == ToolChoice("required")
    named = chat(tools=[F, G], tool_choice={"type": "function", "name": "g"})
    assert named.tool_choice == ToolChoice("required", "g")
    allowed = {"type": "allowed_tools", "mode": "auto", "tools": [G]}
    found = chat(tools=[F, G], tool_choice=allowed)
    assert ([each.name for each in found.tools], found.tool_choice) == (["g"], ToolChoice())
    found = chat(tools=[F, G], tool_choice=allowed | {"mode": "required"})
    assert found.tool_choice == ToolChoice("required")


def test_forms() -> None:
    schema = {"type": "object"}
    form = {"type": "json_schema", "name": "x", "schema": schema, "strict": True}
    assert chat(text={"format": form}).response_format == ResponseFormat("json_schema", schema)
    form = {"type": "json_object"}
    assert chat(text={"format": form}).response_format == ResponseFormat("json_object")
    assert chat(text={"format": {"type": "text"}}).response_format == ResponseFormat()
    assert chat(text={}).response_format == ResponseFormat()


@pytest.mark.parametrize(
    ("more", "kind", "param"),
    [
        ({"conversation": "conv_1"}, Unsupported, "conversation"),
        ({"background": True}, Unsupported, "background"),
        ({"tools": [{"type": "web_search"}]}, Unsupported, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, MissingField, "tools[0].name"),
        ({"tool_choice": "required"}, BadRequest, "tools"),
        ({"tools": [F], "tool_choice": {"type": "mcp"}}, Unsupported, "tool_choice"),
        (
            {"tools": [F], "tool_choice": {"type": "function", "name": "h"}},
            BadRequest,
            "tool_choice",
        ),
        ({"text": {"format": {"type": "json_schema"}}}, MissingField, "text.format.schema"),
        ({"input": []}, BadRequest, "input"),
        ({"input": [{"content": "x"}]}, MissingField, "input[0].role"),
        ({"input": [{"role": "user"}]}, MissingField, "input[0].content"),
        ({"input": [{"type": "item_reference"}]}, Unsupported, "input[0].type"),
        ({"input": [{"type": "function_call", "name": "f"}]}, MissingField, "input[0].call_id"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image"}]}]},
            Unsupported,
            "input[0].content[0].type",
        ),
    ],
)
def test_what_is_wrong_is_named(more: dict[str, Any], kind: type[BadRequest], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        chat(**more)
    assert type(caught.value) is kind
    assert caught.value.param == param

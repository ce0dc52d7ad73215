from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.messages import Message, Role, ToolCall, ToolDefinition
from appliance.domain.requests import ChatRequest, CompletionRequest, Generation, ToolChoice
from appliance.errors import BadRequest, MissingField, Unsupported, WrongType
from appliance.http.bodies import decode
from appliance.http.dialects.openai import parse
from appliance.http.dialects.openai.requests import ChatBody, CompletionBody, EmbeddingBody

DEVICE = {"clock": ToolDefinition("clock", "the time"), "wifi": ToolDefinition("wifi", "the WiFi")}
HI = [{"role": "user", "content": "Hi"}]


def chat(**more: Any) -> ChatRequest:
    return parse.chat(decode(json.dumps({"messages": HI} | more).encode(), ChatBody), DEVICE)


def completions(prompt: Any, **more: Any) -> tuple[CompletionRequest, ...]:
    body = json.dumps({"prompt": prompt} | more).encode()
    return parse.completions(decode(body, CompletionBody))


def tool(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name} | more}


def optional(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


PARTS = st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": st.text()}), max_size=2)
MESSAGES = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["system", "developer", "user", "assistant", "tool", "function"]),
        "content": st.text() | PARTS,
    },
    optional={"name": st.text(), "tool_call_id": st.text(), "reasoning_content": st.text()},
)
BODIES = st.fixed_dictionaries(
    {"messages": st.lists(MESSAGES, min_size=1, max_size=3)},
    optional={
        "model": st.text(),
        "max_tokens": optional(st.integers(-1, 2**31 - 1)),
        "max_completion_tokens": optional(st.integers(-1, 2**31 - 1)),
        "n": optional(st.integers(1, 16)),
        "stop": optional(st.text() | st.lists(st.text(), max_size=16)),
        "temperature": optional(st.floats(0, 2)),
        "top_p": optional(st.floats(0, 1)),
        "frequency_penalty": optional(st.floats(-2, 2)),
        "seed": optional(st.integers(-(2**53), 2**53)),
        "logit_bias": optional(
            st.dictionaries(st.integers(0, 10**9 - 1).map(str), st.floats(-100, 100), max_size=3)
        ),
        "logprobs": st.just(True),
        "top_logprobs": optional(st.integers(0, 20)),
        "response_format": st.sampled_from(
            [
                {"type": "text"},
                {"type": "json_object"},
                {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}},
            ]
        ),
        "tools": st.lists(st.sampled_from(["clock", tool("own", description="x"), tool("wifi")])),
        "luna_tools": st.booleans() | st.lists(st.sampled_from(["clock", "wifi"])),
        "tool_choice": st.sampled_from([None, "auto", "none"]),
        "unknown": st.text(),
    },
)


@given(BODIES)
def test_valid_bodies_are_parsed(body: dict[str, Any]) -> None:
    with suppress(BadRequest):
        request = parse.chat(decode(json.dumps(body).encode(), ChatBody), DEVICE)
        assert len(request.messages) == len(body["messages"])
        generation = request.generation
        assert generation.n == (body.get("n") or 1)
        assert all(generation.stop)
        assert generation.max_tokens is None or generation.max_tokens >= 0
        seed = generation.sampling.seed
        assert seed is None or 0 <= seed < 2**32 - 1
        assert request.device_tools <= DEVICE.keys()
        assert request.device_tools <= {each.name for each in request.tools}
        return
    # The one thing that a body of these parts can get wrong.
    assert body.get("top_logprobs") is not None
    assert "logprobs" not in body


def test_a_plain_chat() -> None:
    assert chat() == ChatRequest(Generation(""), (Message(Role.USER, "Hi"),))


def test_roles_of_older_and_newer_clients() -> None:
    messages = [
        {"role": "developer", "content": "a"},
        {"role": "function", "name": "f", "content": "b"},
        {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "f"}}]},
        {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "c"}]},
    ]
    assert chat(messages=messages).messages == (
        Message(Role.SYSTEM, "a"),
        Message(Role.TOOL, "b", name="f"),
        Message(Role.ASSISTANT, "", tool_calls=(ToolCall("1", "f", "{}"),)),
        Message(Role.TOOL, "c", tool_call_id="1"),
    )


def test_limits() -> None:
    assert chat(max_tokens=5).generation.max_tokens == 5
    assert chat(max_tokens=5, max_completion_tokens=6).generation.max_tokens == 6
    assert chat(max_tokens=-1).generation.max_tokens is None
    assert chat(max_tokens=0).generation.max_tokens == 0


def test_stops_seeds_and_logprobs() -> None:
    assert chat(stop="a").generation.stop == ("a",)
    assert chat(stop=["a", "", "b"]).generation.stop == ("a", "b")
    assert chat(seed=-1).generation.sampling.seed is None
    assert chat(seed=7).generation.sampling.seed == 7
    assert chat(logprobs=True).generation.logprobs is not None
    assert chat(logprobs=True, top_logprobs=3).generation.logprobs == 3
    assert chat(logprobs=False).generation.logprobs is None
    assert chat(logit_bias={"5": -100}).generation.sampling.logit_bias == ((5, -100.0),)


def test_reasoning() -> None:
    assert chat(reasoning_effort="none").thinking is False
    assert chat(reasoning_effort="high").thinking is None
    assert chat(chat_template_kwargs={"enable_thinking": True}).thinking is True
    assert chat(reasoning_format="none").reasoning_in_content
    assert not chat(reasoning_format="auto").reasoning_in_content


def test_device_tools_are_asked_for_in_three_ways() -> None:
    assert chat(luna_tools=True).device_tools == {"clock", "wifi"}
    assert chat(luna_tools=["wifi"]).device_tools == {"wifi"}
    named = chat(tools=["clock", tool("wifi")])
    assert named.device_tools == {"clock", "wifi"}
    assert named.tools == (DEVICE["clock"], DEVICE["wifi"])
    assert chat(luna_tools=False).device_tools == frozenset()


def test_a_clients_own_tool_is_never_the_devices() -> None:
    request = chat(luna_tools=True, tools=[tool("clock", description="mine"), tool("other")])
    assert request.device_tools == {"wifi"}
    assert [each.name for each in request.tools] == ["clock", "other", "wifi"]
    assert request.tools[0].description == "mine"


def test_tool_choices() -> None:
    own = [tool("f", parameters={"type": "object"})]
    assert chat(tools=own).tool_choice == ToolChoice("auto")
    assert chat(tools=own, tool_choice="required").tool_choice == ToolChoice("required")
    assert chat(tools=own, tool_choice=tool("f")).tool_choice == ToolChoice("required", "f")
    assert chat(tools=own, parallel_tool_calls=False).parallel_tool_calls is False


@pytest.mark.parametrize(
    ("more", "kind", "param"),
    [
        ({"top_logprobs": 2}, BadRequest, "top_logprobs"),
        ({"logit_bias": {"x": 1}}, BadRequest, "logit_bias"),
        ({"logit_bias": {"9" * 5000: 1}}, BadRequest, "logit_bias"),
        ({"logit_bias": {"٣": 1}}, BadRequest, "logit_bias"),
        ({"tool_choice": "required"}, BadRequest, "tools"),
        ({"tool_choice": tool("f")}, BadRequest, "tool_choice"),
        ({"luna_tools": ["nope"]}, BadRequest, "luna_tools"),
        ({"tools": ["nope"]}, BadRequest, "tools"),
        ({"messages": [{"role": "user"}]}, MissingField, "messages[0].content"),
        (
            {"messages": [*HI, {"role": "user", "content": [{"type": "image_url"}]}]},
            Unsupported,
            "messages[1].content[0].type",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
            MissingField,
            "messages[0].content[0].text",
        ),
        (
            {"response_format": {"type": "json_schema"}},
            MissingField,
            "response_format.json_schema",
        ),
        (
            {"response_format": {"type": "json_schema", "json_schema": {}}},
            MissingField,
            "response_format.json_schema.schema",
        ),
    ],
)
def test_what_is_wrong_is_named(more: dict[str, Any], kind: type[BadRequest], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        chat(**more)
    assert type(caught.value) is kind
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("prompt", "prompts"),
    [
        ("a", ["a"]),
        (["a", "b"], ["a", "b"]),
        ([1, 2], [(1, 2)]),
        ([[1, 2], [3]], [(1, 2), (3,)]),
    ],
)
def test_prompts_of_every_kind(prompt: Any, prompts: list[Any]) -> None:
    assert [each.prompt for each in completions(prompt, suffix="z")] == prompts
    assert completions(prompt, logprobs=2, suffix="z")[0].generation.logprobs == 2
    assert completions(prompt, suffix="z")[0].suffix == "z"


@pytest.mark.parametrize("prompt", [["a", 1], ["a", [1]], [1, [1]]])
def test_a_mixture_of_prompts_is_refused(prompt: Any) -> None:
    with pytest.raises(WrongType, match="only strings"):
        completions(prompt)


def test_too_many_answers_at_once_are_refused() -> None:
    assert len(completions(["a"] * 8, n=8)) == 8
    with pytest.raises(BadRequest, match="65 prompts"):
        completions(["a"] * 65)
    with pytest.raises(BadRequest, match="n = 16"):
        completions(["a"] * 5, n=16)


def test_inputs_of_embeddings() -> None:
    body = EmbeddingBody(input=["a", "b"], model="m", dimensions=4)
    found = parse.embeddings(body)
    assert (found.inputs, found.model, found.dimensions) == (("a", "b"), "m", 4)
    with pytest.raises(BadRequest) as caught:
        parse.embeddings(EmbeddingBody(input=["a", ""]))
    assert caught.value.param == "input[1]"
    with pytest.raises(BadRequest, match="2049"):
        parse.embeddings(EmbeddingBody(input=["a"] * 2049))


def test_settings_of_llama_cpp_are_passed_on() -> None:
    wanted = chat(grammar='root ::= "a"', mirostat=2, model=None).generation
    assert wanted.options == {"grammar": 'root ::= "a"', "mirostat": 2}
    assert wanted.model == ""
    assert completions("a", id_slot=1)[0].generation.options == {"id_slot": 1}
    assert chat().generation.options == {}


def test_memory_that_samplers_would_allocate_is_bounded() -> None:
    with pytest.raises(BadRequest, match="dry_penalty_last_n"):
        chat(dry_penalty_last_n=2**31 - 1)


def test_llama_cpps_way_to_ask_for_a_schema() -> None:
    wanted = chat(response_format={"type": "json_object", "schema": {"const": 1}}).response_format
    assert (wanted.kind, wanted.schema) == ("json_schema", {"const": 1})

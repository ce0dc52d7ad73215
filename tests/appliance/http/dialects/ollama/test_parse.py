from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.messages import Message, Role, ToolCall, ToolDefinition
from appliance.domain.requests import (
    ChatRequest,
    CompletionRequest,
    Generation,
    ResponseFormat,
)
from appliance.errors import BadRequest, Unsupported, WrongType
from appliance.http.bodies import decode
from appliance.http.dialects.ollama import context, parse
from appliance.http.dialects.ollama.requests import (
    OllamaChatBody,
    OllamaEmbedBody,
    OllamaEmbeddingsBody,
    OllamaGenerateBody,
    OllamaNameBody,
)

HI = [{"role": "user", "content": "Hi"}]


def chat(**more: Any) -> ChatRequest:
    return parse.chat(
        decode(json.dumps({"model": "m", "messages": HI} | more).encode(), OllamaChatBody)
    )


def generate(**more: Any) -> ChatRequest | CompletionRequest:
    return parse.generate(decode(json.dumps({"model": "m"} | more).encode(), OllamaGenerateBody))


def options(**named: Any) -> Generation:
    return chat(options=named).generation


OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "num_predict": st.integers(-2, 10**6) | st.floats(-2, 10**6),
        "temperature": st.floats(0, 2),
        "top_k": st.integers(0, 1000),
        "top_p": st.floats(0, 1),
        "seed": st.integers(-(2**52), 2**52),
        "stop": st.text() | st.lists(st.text(), max_size=16),
        "num_ctx": st.integers(),
        "mirostat": st.sampled_from([0, 1, 2.0]),
    },
)


@given(OPTIONS)
def test_options_that_are_right_are_taken(named: dict[str, Any]) -> None:
    generation = options(**named)
    limit = generation.max_tokens
    assert limit is None or (isinstance(limit, int) and limit >= 0)
    assert (generation.sampling.seed or 0) >= 0
    assert all(generation.stop)
    assert "num_ctx" not in generation.options


def test_a_plain_chat() -> None:
    assert chat() == ChatRequest(Generation("m"), (Message(Role.USER, "Hi"),))


def test_numbers_may_have_a_fraction() -> None:
    found = options(num_predict=7.0, top_k=40.0, repeat_last_n=64.0, mirostat=1.0)
    assert (found.max_tokens, found.sampling.top_k) == (7, 40)
    assert found.options == {"repeat_last_n": 64, "mirostat": 1}
    with pytest.raises(WrongType):
        options(num_predict="7")


def test_limits_and_seeds() -> None:
    assert options(num_predict=-1).max_tokens is None
    assert options(num_predict=-2).max_tokens is None
    assert options(num_predict=0).max_tokens == 0
    assert options(seed=-1).sampling.seed is None
    assert options(seed=5).sampling.seed == 5
    assert options(stop="a").stop == options(stop=["a", ""]).stop == ("a",)
    assert chat(logprobs=True).generation.logprobs == 1
    assert chat(logprobs=True, top_logprobs=3).generation.logprobs == 3
    assert chat(keep_alive="5m").generation.keep_alive == 300


def test_what_nobody_reads_is_named() -> None:
    body = json.dumps({"options": {"num_ctx": 1, "top_k": 1, "numa": True}, "shift": 1}).encode()
    assert parse.ignored(body, OllamaChatBody) == ("shift", "options.num_ctx", "options.numa")
    assert parse.ignored(b'{"options": null}', OllamaChatBody) == ()


def test_tools_and_thoughts() -> None:
    function = {"name": "f", "description": "d", "parameters": {"type": "object"}}
    found = chat(tools=[{"type": "function", "function": function}], think="high")
    assert found.tools == (ToolDefinition("f", "d", {"type": "object"}),)
    assert found.thinking is True
    assert chat(think=False).thinking is False
    assert chat().thinking is None


def test_forms_of_an_answer() -> None:
    schema = {"type": "object"}
    assert chat(format="").response_format == ResponseFormat()
    assert chat(format="json").response_format == ResponseFormat("json_object")
    assert chat(format=schema).response_format == ResponseFormat("json_schema", schema)


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"function": {"name": name, "arguments": arguments}}


def test_answers_of_tools_belong_to_the_calls_in_their_order() -> None:
    messages = [
        {"role": "assistant", "thinking": "hm", "tool_calls": [call("f", a=1), call("g")]},
        {"role": "tool", "content": "one"},
        {"role": "tool", "content": "two"},
        {"role": "tool", "content": "of nobody"},
    ]
    assert chat(messages=messages).messages == (
        Message(
            Role.ASSISTANT,
            reasoning="hm",
            tool_calls=(ToolCall("call_0_0", "f", '{"a":1}'), ToolCall("call_0_1", "g", "{}")),
        ),
        Message(Role.TOOL, "one", tool_call_id="call_0_0", name="f"),
        Message(Role.TOOL, "two", tool_call_id="call_0_1", name="g"),
        Message(Role.TOOL, "of nobody"),
    )


def test_answers_of_tools_may_name_what_they_answer() -> None:
    messages = [
        {"role": "assistant", "tool_calls": [call("f"), call("g"), {"id": "x", **call("f")}]},
        {"role": "tool", "tool_name": "g", "content": "1"},
        {"role": "tool", "tool_call_id": "x", "content": "2"},
        {"role": "tool", "tool_name": "f", "content": "3"},
        {"role": "tool", "tool_name": "h", "content": "4"},
    ]
    ids = [each.tool_call_id for each in chat(messages=messages).messages[1:]]
    assert ids == ["call_0_1", "x", "call_0_0", None]


@pytest.mark.parametrize("images", [["aGk="]])
def test_images_are_refused_and_named(images: list[str]) -> None:
    with pytest.raises(Unsupported, match="text only") as caught:
        chat(messages=[*HI, {"role": "user", "content": "x", "images": images}])
    assert caught.value.param == "messages[1].images"
    with pytest.raises(Unsupported):
        generate(prompt="x", images=images)
    none = chat(messages=[{"role": "user", "content": "x", "images": []}])
    assert none.messages == (Message(Role.USER, "x"),)


def test_a_prompt_is_a_turn() -> None:
    found = generate(prompt="Hi", system="Be brief.", think=False)
    assert found == ChatRequest(
        Generation("m"),
        (Message(Role.SYSTEM, "Be brief."), Message(Role.USER, "Hi")),
        thinking=False,
    )


def test_a_conversation_goes_on_from_its_context() -> None:
    said = (Message(Role.SYSTEM, "Old."), Message(Role.USER, "a"))
    numbers = context.encode(said, "b")
    found = generate(prompt="c", context=numbers)
    assert isinstance(found, ChatRequest)
    assert [each.content for each in found.messages] == ["Old.", "a", "b", "c"]
    found = generate(prompt="c", context=numbers, system="New.")
    assert isinstance(found, ChatRequest)
    assert [each.content for each in found.messages] == ["New.", "a", "b", "c"]


def test_raw_text_and_text_to_fill_in() -> None:
    assert generate(prompt="a", raw=True) == CompletionRequest(Generation("m"), "a")
    assert generate(prompt="a", suffix="b") == CompletionRequest(Generation("m"), "a", "b")
    assert isinstance(generate(prompt="a", suffix=""), ChatRequest)
    with pytest.raises(Unsupported, match="template"):
        generate(prompt="a", raw=True, format="json")


def test_inputs_of_embeddings() -> None:
    def embed(value: Any, **more: Any) -> tuple[Any, ...]:
        return parse.embed(OllamaEmbedBody(model="m", input=value, **more)).inputs

    assert embed("a") == ("a",)
    assert embed(["a", "b"]) == ("a", "b")
    assert embed("") == embed([]) == embed([""]) == ()
    with pytest.raises(BadRequest) as caught:
        embed(["a", ""])
    assert caught.value.param == "input[1]"
    assert (
        parse.embeddings(OllamaEmbeddingsBody(model="m", prompt="a", keep_alive=0)).keep_alive == 0
    )
    assert parse.embeddings(OllamaEmbeddingsBody(model="m")).inputs == ()


def test_the_name_of_a_model() -> None:
    assert parse.name(OllamaNameBody(name="old")) == "old"
    assert parse.name(OllamaNameBody(name="old", model="new")) == "new"
    with pytest.raises(BadRequest, match="model"):
        parse.name(OllamaNameBody())

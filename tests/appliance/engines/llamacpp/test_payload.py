from __future__ import annotations

import json
from dataclasses import fields

import pytest

from appliance.domain.events import ToolCallDelta
from appliance.domain.messages import Message, Role, ToolCall, ToolDefinition
from appliance.domain.requests import (
    ChatRequest,
    CompletionRequest,
    Generation,
    ResponseFormat,
    ToolChoice,
)
from appliance.domain.sampling import Sampling
from appliance.engines.llamacpp import forced, payload
from appliance.engines.schema_fit import SchemaFit
from appliance.errors import BadRequest, EngineError

EVERYTHING = Sampling(
    temperature=0.5,
    top_p=0.9,
    top_k=40,
    min_p=0.1,
    typical_p=0.8,
    repeat_penalty=1.1,
    frequency_penalty=0.2,
    presence_penalty=0.3,
    seed=7,
    logit_bias=((3, -100.0), (4, 1.5)),
    ignore_eos=True,
)
SAMPLED = {
    "temperature": 0.5,
    "top_p": 0.9,
    "top_k": 40,
    "min_p": 0.1,
    "typical_p": 0.8,
    "repeat_penalty": 1.1,
    "frequency_penalty": 0.2,
    "presence_penalty": 0.3,
    "seed": 7,
    "logit_bias": [[3, -100.0], [4, 1.5]],
    "ignore_eos": True,
}
ALWAYS = {"stream": True, "return_progress": True, "cache_prompt": True}
HI = (Message(Role.USER, "Hi"),)
F, G = ToolDefinition("f", "does f", {"type": "object", "required": ["x"]}), ToolDefinition("g")


def chat(
    generation: Generation | None = None,
    messages: tuple[Message, ...] = HI,
    **more: object,
) -> dict[str, object]:
    request = ChatRequest(generation or Generation("m"), messages, **more)  # type: ignore[arg-type]
    return payload.chat(request, Sampling())


def test_the_table_above_has_every_setting() -> None:
    assert {field.name for field in fields(Sampling)} == set(SAMPLED)


def test_a_plain_chat_says_nothing_more_than_it_must() -> None:
    assert chat() == ALWAYS | {
        "messages": [{"role": "user", "content": "Hi"}],
        "stream_options": {"include_usage": True},
        "reasoning_format": "auto",
    }


def test_everything_of_a_generation() -> None:
    generation = Generation("m", 9, ("a", "b"), EVERYTHING, logprobs=3, n=4)
    wanted = ALWAYS | SAMPLED | {"stop": ["a", "b"]}
    body = chat(generation)
    assert body == wanted | {
        "messages": [{"role": "user", "content": "Hi"}],
        "stream_options": {"include_usage": True},
        "reasoning_format": "auto",
        "max_tokens": 9,
        "logprobs": True,
        "top_logprobs": 3,
        "verbose": True,
    }
    text = payload.completion(CompletionRequest(generation, "p"), Sampling())
    assert text == wanted | {"prompt": "p", "n_predict": 9, "n_probs": 3}


def test_defaults_of_the_model_fill_in() -> None:
    request = CompletionRequest(Generation("m", sampling=Sampling(top_k=1)), "p")
    body = payload.completion(request, Sampling(temperature=0.1, top_k=50))
    assert (body["temperature"], body["top_k"]) == (0.1, 1)


def test_zero_is_a_value() -> None:
    body = chat(Generation("m", 0, sampling=Sampling(temperature=0.0, seed=0), logprobs=0))
    assert (body["max_tokens"], body["temperature"], body["seed"]) == (0, 0.0, 0)
    assert (body["logprobs"], body["top_logprobs"]) == (True, 0)


def test_logprobs_without_alternatives_of_a_completion_need_one() -> None:
    request = CompletionRequest(Generation("m", logprobs=0), "p")
    assert payload.completion(request, Sampling())["n_probs"] == 1


def test_tokens_and_suffixes() -> None:
    generation = Generation("m")
    tokens = payload.completion(CompletionRequest(generation, (1, 2)), Sampling())
    assert tokens["prompt"] == [1, 2]
    infill = payload.completion(CompletionRequest(generation, "a", "z"), Sampling())
    assert infill == ALWAYS | {"input_prefix": "a", "input_suffix": "z"}


def test_every_part_of_a_message() -> None:
    body = chat(
        messages=(
            Message(Role.SYSTEM, "be kind"),
            Message(
                Role.ASSISTANT, "", reasoning="hm", tool_calls=(ToolCall("1", "f", '{"x":1}'),)
            ),
            Message(Role.TOOL, "42", tool_call_id="1", name="f"),
        )
    )
    assert body["messages"] == [
        {"role": "system", "content": "be kind"},
        {
            "role": "assistant",
            "content": "",
            "reasoning_content": "hm",
            "tool_calls": [
                {
                    "id": "1",
                    "type": "function",
                    "function": {"name": "f", "arguments": '{"x":1}'},
                }
            ],
        },
        {"role": "tool", "content": "42", "tool_call_id": "1", "name": "f"},
    ]


def test_tools_and_what_must_be_chosen() -> None:
    body = chat(tools=(F, G), tool_choice=ToolChoice("required"), parallel_tool_calls=False)
    assert body["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "f",
                "description": "does f",
                "parameters": {"type": "object", "required": ["x"]},
            },
        },
        {
            "type": "function",
            "function": {
                "name": "g",
                "description": "",
                "parameters": {"type": "object", "properties": {}},
            },
        },
    ]
    assert (body["tool_choice"], body["parallel_tool_calls"]) == ("required", False)


def test_a_named_choice_offers_only_that_tool() -> None:
    request = ChatRequest(
        Generation("m"), HI, tools=(F, G), tool_choice=ToolChoice("required", "g")
    )
    assert request.offered == (G,)


def test_no_tools_where_none_may_be_called() -> None:
    assert "tools" not in chat(tools=(F,), tool_choice=ToolChoice("none"))
    assert "tool_choice" not in chat(tool_choice=ToolChoice("auto"))


@pytest.mark.parametrize(
    ("wanted", "body"),
    [
        (ResponseFormat(), None),
        (ResponseFormat("json_object"), {"type": "json_object"}),
        (
            ResponseFormat("json_schema", {"type": "string"}),
            {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": {"type": "string"}},
            },
        ),
    ],
)
def test_the_form_of_the_answer(wanted: ResponseFormat, body: object) -> None:
    assert chat(response_format=wanted).get("response_format") == body


@pytest.mark.parametrize("thinking", [True, False])
def test_thinking_can_be_switched(thinking: bool) -> None:
    assert chat(thinking=thinking)["chat_template_kwargs"] == {"enable_thinking": thinking}
    assert chat(reasoning_in_content=thinking)["reasoning_format"] == (
        "none" if thinking else "auto"
    )


def test_schemas_are_what_llama_cpp_can_say() -> None:
    schema = {"allOf": [{"type": "integer"}]}
    body = payload.chat(
        ChatRequest(Generation("m"), (), (), response_format=ResponseFormat("json_schema", schema)),
        Sampling(),
    )
    assert body["response_format"]["json_schema"]["schema"] == {"type": "integer"}
    generation = Generation("m", options={"json_schema": schema})
    body = payload.completion(CompletionRequest(generation, "a"), Sampling())
    assert body["json_schema"] == {"type": "integer"}
    tools = (ToolDefinition("f", "", {"properties": {"x": schema}}),)
    body = forced.completion_body("a", ChatRequest(Generation("m"), (), tools), Sampling())
    assert body["json_schema"]["$defs"]["call_0"] == {"properties": {"x": {"type": "integer"}}}


def test_options_of_a_request_go_on_as_they_are() -> None:
    generation = Generation("m", options={"mirostat": 2, "id_slot": 1})
    body = payload.completion(CompletionRequest(generation, "a"), Sampling())
    assert (body["mirostat"], body["id_slot"]) == (2, 1)


def test_a_forced_call_is_bound_by_its_own_schema_only() -> None:
    options = {"grammar": "x", "json_schema": {}, "mirostat": 2}
    request = ChatRequest(Generation("m", options=options), (), (ToolDefinition("f"),))
    body = forced.completion_body("a", request, Sampling())
    assert "grammar" not in body
    assert body["json_schema"]["anyOf"][0]["properties"]["name"] == {"const": "f"}
    assert body["mirostat"] == 2


def test_the_schema_of_all_calls_keeps_what_each_tool_refers_to() -> None:
    part = {"type": "object", "properties": {"on": {"type": "boolean"}}, "required": ["on"]}
    refers = {"$ref": "#/$defs/part", "$defs": {"part": part}}
    holds_itself = {"type": "object", "properties": {"next": {"$ref": "#"}, "$ref": part}}
    tools = (ToolDefinition("a", "", refers), ToolDefinition("b", "", holds_itself))
    fit = SchemaFit(forced.calls_schema(tools))

    def problem(name: str, arguments: object) -> str:
        return fit.problem({"name": name, "arguments": arguments})

    assert problem("a", {"on": True}) == ""
    assert problem("a", {"on": 1}) != ""
    assert problem("a", {}) != ""
    assert problem("b", {"next": {"next": {}}, "$ref": {"on": True}}) == ""
    assert problem("b", {"next": {"next": 1}}) != ""
    assert problem("c", {}) != ""


@pytest.mark.parametrize(("arguments", "fits"), [('{"x": 1}', True), ("{}", False)])
def test_a_call_that_does_not_fit_its_tool_is_an_error(arguments: str, fits: bool) -> None:
    checks = forced.fits_of(ChatRequest(Generation("m"), (), (F,)))
    if fits:
        (call,) = (
            e for e in forced.events(_says("f", arguments), checks) if isinstance(e, ToolCallDelta)
        )
        assert (call.name, call.arguments) == ("f", arguments)
    else:
        with pytest.raises(EngineError, match="required property"):
            list(forced.events(_says("f", arguments), checks))
    with pytest.raises(EngineError, match="'g', which is none of the tools"):
        list(forced.events(_says("g", arguments), checks))


def _says(name: str, arguments: str) -> list[bytes]:
    said = {"content": f'{{"name": "{name}", "arguments": {arguments}}}', "stop": False}
    end = {"content": "", "stop": True, "stop_type": "eos", "tokens_predicted": 1}
    return [json.dumps(part).encode() for part in (said, end)]


def test_long_schemas_of_many_tools_can_be_checked() -> None:
    names = {f"property_{number}": {"type": "boolean"} for number in range(900)}
    tools = tuple(ToolDefinition(name, "", {"properties": names}) for name in ("a", "b"))
    checks = forced.fits_of(ChatRequest(Generation("m"), (), tools))
    assert checks["b"].problem({"property_7": 1})
    wide = ToolDefinition("c", "", {"properties": {"x" * 40_000: {}}})
    with pytest.raises(BadRequest, match="32000 characters") as refused:
        forced.fits_of(ChatRequest(Generation("m"), (), (wide,)))
    assert refused.value.param == "tools"

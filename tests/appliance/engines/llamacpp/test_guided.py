from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from llguidance import LLMatcher, LLTokenizer

from appliance.domain.events import Content, Event, Finish, Usage
from appliance.domain.messages import ToolDefinition
from appliance.domain.requests import (
    ChatRequest,
    CompletionRequest,
    Generation,
    ResponseFormat,
)
from appliance.engines.llamacpp import guided
from appliance.errors import EngineError, Unsupported

FLAG: dict[str, Any] = {
    "type": "object",
    "properties": {"on": {"type": "boolean"}},
    "required": ["on"],
}
FLAG |= {"additionalProperties": False}
FORMAT = ResponseFormat("json_schema", FLAG)
JSON = '{"on": true}'
PART = {"$ref": "#/$defs/part", "$defs": {"part": FLAG}}
F, G = ToolDefinition("f", "", PART), ToolDefinition('g"', "")


def takes(grammar: str, text: str) -> bool:
    """Whether a whole answer under the grammar may be that text."""
    matcher = LLMatcher(LLTokenizer("byte"), LLMatcher.grammar_from_lark(grammar))
    return matcher.consume_tokens(list(text.encode())) and matcher.is_accepting()


def test_an_answer_is_json_from_its_first_character() -> None:
    grammar = guided.answer(FORMAT)
    assert takes(grammar, JSON)
    for text in ('{"on": 1}', f" {JSON}", "Sure", f"<think>hm</think>{JSON}"):
        assert not takes(grammar, text)


def test_json_mode_takes_any_object() -> None:
    grammar = guided.answer(ResponseFormat("json_object"))
    assert takes(grammar, '{"a": [1, {"b": null}]}')
    assert not takes(grammar, "[1]")


@pytest.mark.parametrize(
    ("prompt", "good", "bad"),
    [
        ("<|im_start|>assistant\n<think>\n", "hm\n</think>\n\n", ""),
        ("<|im_start|>assistant\n", "<think>\nhm\n</think>\n", "hm</think>"),
        ("<|im_start|>assistant\n", "", "hm"),
        ("assistant\n<think>\n\n</think>\n\n", "", "<think>hm</think>"),
    ],
)
def test_a_model_may_think_before_it_answers(prompt: str, good: str, bad: str) -> None:
    grammar = guided.answer(FORMAT, prompt, thinking=True)
    assert takes(grammar, f"{good}{JSON}")
    assert not takes(grammar, f"{good}no")
    assert not takes(grammar, f"{bad}{JSON}")


def test_what_templates_tell_of_thoughts() -> None:
    assert guided.thinks("{{ '</think>' }}")
    assert not guided.thinks("{{ content }}")
    assert guided.knows("{{ '<think>' }}")
    assert not guided.knows("<|channel|>analysis")


def test_a_call_has_arguments_that_fit_its_tool() -> None:
    grammar = guided.call([F, G])
    assert takes(grammar, '{"name": "f", "arguments": {"on": false}}')
    assert takes(grammar, '{"name": "g\\"", "arguments": {}}')
    for text in (
        '{"name": "f", "arguments": {}}',
        '{"name": "h", "arguments": {"on": false}}',
        '{"name": "f"}',
    ):
        assert not takes(grammar, text)


def test_a_tool_that_cannot_be_bound_is_refused() -> None:
    with pytest.raises(Unsupported, match="'not'"):
        guided.call([ToolDefinition("f", "", {"type": "object", "not": {}})])


def chat(options: dict[str, Any], wanted: ResponseFormat | None = None) -> ChatRequest:
    generation = Generation("m", options=options)
    return ChatRequest(generation, (), response_format=wanted or ResponseFormat())


def test_a_schema_among_the_settings_of_a_chat_is_its_form() -> None:
    lifted = guided.lifted(chat({"json_schema": FLAG, "mirostat": 2}))
    assert lifted.response_format == FORMAT
    assert lifted.generation.options == {"mirostat": 2}
    for request in (chat({"mirostat": 2}), chat({"json_schema": {}}, FORMAT)):
        assert guided.lifted(request) == request


def test_a_schema_among_the_settings_of_a_completion_is_a_grammar() -> None:
    def completion(**options: Any) -> CompletionRequest:
        return CompletionRequest(Generation("m", options=options), "a")

    options = guided.translated(completion(json_schema=FLAG, mirostat=2)).generation.options
    assert options.keys() == {"grammar", "mirostat"}
    assert takes(options["grammar"], JSON)
    for request in (completion(), completion(grammar="x", json_schema=FLAG)):
        assert guided.translated(request) == request
    with pytest.raises(Unsupported):
        guided.translated(completion(json_schema={"not": {}}))


END = Finish("stop", Usage())


def check(request: ChatRequest, *events: Event) -> Sequence[Event]:
    def told() -> Iterator[Event]:
        yield from events

    return list(guided.checked(request, told()))


def test_an_answer_that_is_json_passes() -> None:
    events: list[Event] = [Content('{"on"'), Content(": true}"), END]
    assert check(chat({}, FORMAT), *events) == events
    big: list[Event] = [Content("1" * 5000), END]
    assert check(chat({}, FORMAT), *big) == big


@pytest.mark.parametrize("text", ["", "Sure", '{"on"', "{} {}", "[" * 5000])
def test_an_answer_that_is_none_is_an_error(text: str) -> None:
    with pytest.raises(EngineError, match="simpler"):
        check(chat({}, FORMAT), Content(text), END)


def test_an_answer_that_was_cut_is_no_error() -> None:
    cut: list[Event] = [Content('{"on"'), Finish("length", Usage())]
    assert check(chat({}, FORMAT), *cut) == cut
    stopped = ChatRequest(Generation("m", stop=("n",)), (), response_format=FORMAT)
    assert check(stopped, Content('{"o'), END) == [Content('{"o'), END]


def test_an_answer_that_does_not_fit_its_schema_is_an_error() -> None:
    request = chat({}, FORMAT)
    fit = guided.fit_of(request)
    good: list[Event] = [Content('{"on":\n true}'), END]
    assert list(guided.checked(request, iter(good), fit)) == good
    for text in ('{"on": 1}', "[]", "Sure"):
        with pytest.raises(EngineError, match="simpler"):
            list(guided.checked(request, iter([Content(text), END]), fit))
    assert guided.fit_of(chat({}, ResponseFormat("json_object"))) is None


def test_the_layout_does_not_depend_on_the_model() -> None:
    grammar = guided.answer(FORMAT)
    assert not takes(grammar, json.dumps({"on": True}, indent=1))

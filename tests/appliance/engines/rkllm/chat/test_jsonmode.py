from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.messages import Message, Role
from appliance.domain.requests import ResponseFormat
from appliance.engines.rkllm.chat.jsonmode import JsonMode
from appliance.errors import BadRequest

OBJECT = JsonMode(ResponseFormat("json_object"))
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"$ref": "#/$defs/age"}},
    "required": ["name", "age"],
    "additionalProperties": False,
    "$defs": {"age": {"type": "integer", "minimum": 0}},
}
ASK = Message(Role.USER, "Who?")


def mode(schema: dict[str, Any]) -> JsonMode:
    return JsonMode(ResponseFormat("json_schema", schema))


GOOD = '{"name": "Ann", "age": 3}'


@pytest.mark.parametrize(
    "answer",
    [
        GOOD,
        f"\n {GOOD} \n",
        f"```json\n{GOOD}\n```",
        f"Here it is:\n```\n{GOOD}\n```\nAnything else?",
        f"Sure! {GOOD} Anything else?",
        f"I think {{about}} it: {GOOD}",
        f"First [1], then {GOOD}",
        f'Not {{"name": 1, "age": 1}} but {GOOD}',
        f"```json\n{GOOD}",
    ],
)
def test_json_is_found(answer: str) -> None:
    found = mode(PERSON).check(answer)
    assert (found.text, found.problem) == (GOOD, "")


@pytest.mark.parametrize(
    ("answer", "text", "problem"),
    [
        ('{"name": "Ann"}', None, '"age" is a required property'),
        ('{"name": "Ann", "age": -1}', None, r"at \['age'\]: -1 is less than the minimum of 0"),
        (f"Sure: {GOOD[:-1]}, " + '"x": 1}', GOOD[:-1] + ', "x": 1}', "Additional properties"),
        ("[1]", None, 'is not of type "object"'),
        ("I do not know.", None, "it is not valid JSON"),
        (GOOD[:-1], None, "it is not valid JSON"),
        ("{'name': 'Ann'}", None, "it is not valid JSON"),
        ('{"a": NaN}', None, "it is not valid JSON"),
        (" \n", None, "it is empty"),
        ("[" * 100_000, None, "it is not valid JSON"),
        ('{"name": "\ud800"', None, "it is not valid JSON"),
    ],
)
def test_what_is_wrong_is_said(answer: str, text: str | None, problem: str) -> None:
    found = mode(PERSON).check(answer)
    assert found.text == (text or answer)
    with pytest.raises(AssertionError, match=problem):
        raise AssertionError(found.problem)
    assert len(found.problem) < 500


@pytest.mark.parametrize("answer", ["[1]", "3", '"a"', "null"])
def test_an_object_must_be_one(answer: str) -> None:
    assert OBJECT.check(answer).problem == "it is not a JSON object"
    assert OBJECT.check("{}").problem == ""


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(
    st.dictionaries(st.text(), VALUES, max_size=3),
    st.sampled_from(["", "So: ", "```json\n", "{x} "]),
)
def test_every_object_is_found_as_it_was_written(value: dict[str, object], before: str) -> None:
    text = json.dumps(value, indent=1)
    found = OBJECT.check(before + text + ("\n```" if "`" in before else ""))
    assert found.problem == ""
    assert json.loads(found.text) == value


@given(st.text("{}[]\"'`,:1a\\ \n"))
def test_no_answer_is_an_error(answer: str) -> None:
    found = OBJECT.check(answer)
    assert found.problem or isinstance(json.loads(found.text), dict)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"pattern": "("},
        {"pattern": "(?=a)b"},
        {"$ref": "#/missing"},
        {"$ref": "http://127.0.0.1:9/schema"},
        {"$ref": "file:///etc/hostname"},
        {"$schema": "http://example.org/unknown"},
        {"properties": {"a": {"$anchor": "a"}}},
        {"allOf": [{"unevaluatedProperties": False}]},
        {"$defs": {"a": {"$id": "http://example.org/a"}}},
    ],
)
def test_a_schema_without_sense_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="The JSON schema cannot be used: ") as why:
        mode(schema)
    assert why.value.param == "response_format.json_schema.schema"
    assert "\n" not in why.value.message


def test_a_schema_that_fills_the_context_is_refused() -> None:
    with pytest.raises(BadRequest, match="too long for this model: 32000 characters"):
        mode({"enum": ["x" * 40_000]})


def choices(depth: int) -> dict[str, Any]:
    """A schema whose steps double with each level."""
    levels = {f"d{i}": {"anyOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(depth)}
    return {"$ref": "#/$defs/d0", "$defs": {**levels, f"d{depth}": {"type": "integer"}}}


@pytest.mark.parametrize(
    ("depth", "problem"),
    [
        (3, "is not valid under any of the schemas"),
        (14, "it is not valid under the schema"),
        (60, "it is too intricate to be checked"),
    ],
)
def test_a_schema_never_takes_long(depth: int, problem: str) -> None:
    assert problem in mode(choices(depth)).check('"a"').problem
    assert (mode(choices(depth)).check("1").problem == "") == (depth < 60)


def test_a_schema_that_refers_to_itself_may_be_used() -> None:
    tree = mode({"properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}, "type": "object"})
    assert tree.check('{"left": {"left": {}}, "right": {}}').problem == ""
    assert "at ['left']['right']: 1 is not" in tree.check('{"left": {"right": 1}}').problem


def test_the_model_is_told() -> None:
    end = (Message(Role.ASSISTANT, "a"), Message(Role.TOOL, "b", tool_call_id="1"))
    first, *rest = OBJECT.instruct((ASK, *end))
    assert first.content == (
        "Who?\n\nAnswer with one JSON object and nothing else: no explanation, no code fence."
    )
    assert tuple(rest) == end
    (only,) = mode({"type": "integer"}).instruct([Message(Role.SYSTEM, "Be kind.")])
    assert only.content.endswith('valid under this JSON schema: {"type":"integer"}')


def test_the_model_is_asked_again_with_the_reason() -> None:
    messages = OBJECT.instruct([ASK])
    *before, answer, question = OBJECT.retry(messages, "no", "it is not a JSON object")
    assert tuple(before) == messages
    assert answer == Message(Role.ASSISTANT, "no")
    assert question.role is Role.USER
    assert question.content.startswith("That answer cannot be used: it is not a JSON object. ")
    assert question.content.endswith("no code fence.")

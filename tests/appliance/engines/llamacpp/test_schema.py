from __future__ import annotations

import json
from typing import Any

import pytest

from appliance.engines.llamacpp.schema import bindable
from appliance.errors import Unsupported

CLOSED = {"additionalProperties": False}
CAT = CLOSED | {"type": "object"} | {"properties": {"kind": {"const": "cat"}}, "required": ["kind"]}
DOG = CLOSED | {"type": "object"} | {"properties": {"kind": {"const": "dog"}}, "required": ["kind"]}


def plain(schema: dict[str, Any]) -> Any:
    """What becomes of a schema, without the layout of the answer."""
    text = json.loads(bindable(schema))
    assert text.pop("x-guidance")["whitespace_flexible"] is False
    return text


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object", "additionalProperties": {"type": "string", "format": "date"}},
        {"type": "object", "patternProperties": {"^x-": {"type": "string"}}},
        {"type": "array", "items": {"enum": ["a", 1, None]}, "minItems": 1, "maxItems": 3},
        {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
        {"allOf": [{"type": "string"}, {"maxLength": 3}]},
        {"$ref": "#/$defs/a", "$defs": {"a": {"type": "array", "items": {"$ref": "#/$defs/a"}}}},
        {"type": "string", "title": "A", "description": "B", "default": 5, "x-order": 1},
    ],
)
def test_what_can_be_bound_stays_as_it_is(schema: dict[str, Any]) -> None:
    assert plain(schema) == schema


@pytest.mark.parametrize(
    ("schema", "word"),
    [
        ({"not": {"type": "string"}}, "'not'"),
        ({"type": "object", "properties": {"a": {"if": {}, "then": {}}}}, "'if', 'then'"),
        ({"type": "array", "uniqueItems": True}, "'uniqueItems'"),
        ({"type": "array", "contains": {}}, "'contains'"),
        ({"type": "object", "dependentRequired": {"a": ["b"]}}, "'dependentRequired'"),
        ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, "'oneOf'"),
        ({"type": "string", "pattern": "(?=a)b"}, "look-around"),
        ({"type": "strin"}, "strin"),
        ({"type": "integer", "minimum": 5, "maximum": 3}, "minimum"),
        ({"$ref": "#/$defs/none"}, "/$defs/none"),
        ({"$ref": "https://example.com/schema"}, "https://example.com/schema"),
        ({"$ref": "#"}, "no answer fits"),
        ({"properties": {"a": True}, "patternProperties": {"a": False}}, "'patternProperties'"),
        ({"type": "array", "minItems": 10**12}, "'minItems'"),
        ({"enum": ["x" * 100_000]}, "too long"),
    ],
)
def test_what_cannot_be_bound_is_named(schema: dict[str, Any], word: str) -> None:
    for _ in range(2):  # the second time from memory
        with pytest.raises(Unsupported) as caught:
            bindable(schema)
        assert word in caught.value.message
        assert caught.value.message.endswith(".")
        assert "\n" not in caught.value.message


@pytest.mark.parametrize("depth", [200, 2000])
def test_a_schema_without_end(depth: int) -> None:
    schema: dict[str, Any] = {}
    for _ in range(depth):
        schema = {"items": schema}
    with pytest.raises(Unsupported):
        bindable(schema)


def test_formats_that_nobody_knows_are_only_remarks() -> None:
    schema = {"properties": {"format": {"type": "string", "format": "password"}}}
    assert plain(schema)["properties"] == {"format": {"type": "string"}}


def test_bounds_that_no_answer_reaches_are_left_out() -> None:
    assert plain({"type": "array", "maxItems": 10**9}) == {"type": "array"}


@pytest.mark.parametrize("where", ["$defs", "definitions"])
def test_the_branches_of_a_choice_may_be_references(where: str) -> None:
    refs = [{"$ref": f"#/{where}/cat"}, {"$ref": f"#/{where}/pet~1dog"}]
    definitions = {where: {"cat": {"$ref": f"#/{where}/tom"}, "tom": CAT, "pet/dog": DOG}}
    for schema in ({"oneOf": refs}, {"type": "array", "items": {"oneOf": refs}}):
        found = plain(schema | definitions)
        assert found.get("items", found)["oneOf"] == [CAT, DOG]


def test_a_choice_that_holds_itself_comes_to_an_end() -> None:
    node = {"oneOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}
    with pytest.raises(Unsupported, match="oneOf"):
        bindable({"$ref": "#/$defs/node", "$defs": {"node": node}})
    many: dict[str, Any] = {
        f"n{i}": {"oneOf": [{"$ref": f"#/$defs/n{i + 1}"}, {"$ref": f"#/$defs/n{i + 1}"}]}
        for i in range(30)
    }
    with pytest.raises(Unsupported):
        bindable({"$ref": "#/$defs/n0", "$defs": many | {"n30": {"type": "null"}}})


def test_an_object_has_the_properties_that_are_named() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    assert plain(schema) == schema | CLOSED
    inside = plain({"type": "array", "items": schema, "$defs": {"x": schema}})
    assert inside["items"] == inside["$defs"]["x"] == schema | CLOSED


@pytest.mark.parametrize(
    "more",
    [
        {"additionalProperties": True},
        {"additionalProperties": {"type": "null"}},
        {"required": ["a", "b"]},
        {"anyOf": [{"required": ["b"]}]},
        {"allOf": [{"properties": {"b": True}}]},
    ],
)
def test_an_object_that_has_others_too_stays_open(more: dict[str, Any]) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}} | more
    assert plain(schema) == schema


def test_parts_of_one_object_are_not_closed() -> None:
    part = {"type": "object", "properties": {"a": {"type": "null"}}}
    schema = {"allOf": [{"$ref": "#/$defs/part"}, {"properties": {"b": True}}]}
    assert plain(schema | {"$defs": {"part": part}})["$defs"]["part"] == part

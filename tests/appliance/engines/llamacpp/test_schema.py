from __future__ import annotations

import json
from typing import Any

import pytest

from appliance.engines.llamacpp.schema import bindable
from appliance.errors import Unsupported

CAT = {"type": "object", "properties": {"kind": {"const": "cat"}}, "required": ["kind"]}
DOG = {"type": "object", "properties": {"kind": {"const": "dog"}}, "required": ["kind"]}


def plain(schema: dict[str, Any]) -> Any:
    """What becomes of a schema, without the layout of the answer."""
    text = json.loads(bindable(schema))
    assert text.pop("x-guidance")["whitespace_flexible"] is False
    return text


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object", "properties": {"a": {"type": "string", "format": "date"}}},
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
    assert plain(schema) == {"properties": {"format": {"type": "string"}}}


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

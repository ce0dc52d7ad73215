from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.engines.llamacpp.gbnf import plain

INTEGER = {"type": "integer"}
COLOUR = {"enum": ["red", "green"], "title": "Colour"}
DEFS = {"$defs": {"integer": INTEGER, "colour": COLOUR, "loop": {"allOf": [{"$ref": "#"}]}}}


@pytest.mark.parametrize(
    ("schema", "one"),
    [
        ({"allOf": [INTEGER]}, INTEGER),
        ({"allOf": []}, {}),
        ({"type": "number", "allOf": [INTEGER, {"minimum": 2}]}, INTEGER | {"minimum": 2}),
        ({"allOf": [{"minimum": 1}, {"minimum": 2}, {"maximum": 9}, {"maximum": 5}]},
         {"minimum": 2, "maximum": 5}),
        ({"allOf": [{"enum": [1, True, "a"]}, {"enum": ["a", 1]}]}, {"enum": ["a", 1]}),
        ({"allOf": [{"type": ["string", "null", "number"]}, {"type": ["integer", "null"]}]},
         {"type": ["null", "integer"]}),
        ({"properties": {"a": INTEGER}, "required": ["a"],
          "allOf": [{"properties": {"a": {"minimum": 1}, "b": {}}, "required": ["b", "a"]}]},
         {"properties": {"a": INTEGER | {"minimum": 1}, "b": {}}, "required": ["a", "b"]}),
        ({"items": {"allOf": [INTEGER]}}, {"items": INTEGER}),
        ({"properties": {"allOf": {"allOf": [INTEGER]}}}, {"properties": {"allOf": INTEGER}}),
        ({"allOf": [{"allOf": [INTEGER]}, {"minimum": 1}]}, INTEGER | {"minimum": 1}),
        ({"title": "ours", "allOf": [COLOUR]}, COLOUR | {"title": "ours"}),
        ({"type": "array", "allOf": [{"items": INTEGER}]}, {"type": "array", "items": INTEGER}),
        ({"allOf": [True, INTEGER]}, INTEGER),
        ({"properties": {"a": True, "b": False}, "additionalProperties": True},
         {"properties": {"a": {}, "b": False}, "additionalProperties": True}),
        ({"prefixItems": [INTEGER, True], "items": False}, {"prefixItems": [INTEGER, {}]}),
        ({"prefixItems": [INTEGER, {}], "maxItems": 1}, {"prefixItems": [INTEGER]}),
        ({"contains": INTEGER}, {"items": INTEGER, "minItems": 1}),
        ({"contains": INTEGER, "minContains": 2, "minItems": 3, "maxItems": 4},
         {"items": INTEGER, "minItems": 3, "maxItems": 4}),
        ({"contains": INTEGER, "items": {"minimum": 1}},
         {"contains": INTEGER, "items": {"minimum": 1}}),
        ({"prefixItems": [INTEGER], "items": {}, "minItems": 2, "maxItems": 3},
         {"prefixItems": [INTEGER], "items": {}, "minItems": 2, "maxItems": 3}),
    ],
)  # fmt: skip
def test_one_schema_says_what_all_say(schema: dict[str, Any], one: dict[str, Any]) -> None:
    assert plain(schema) == one


def test_references_are_followed() -> None:
    schema = {"allOf": [{"$ref": "#/$defs/colour"}], "description": "of the lamp"} | DEFS
    assert plain(schema)["enum"] == ["red", "green"]
    assert "allOf" not in plain(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"allOf": [{"additionalProperties": False}, {"properties": {"a": {}}}]},
        {"allOf": [{"type": "string"}, {"type": "integer"}]},
        {"allOf": [{"pattern": "^a$"}, {"pattern": "^b$"}]},
        {"allOf": [{"const": 1}, {"const": True}]},
        {"allOf": [{"$ref": "#"}]},
        {"allOf": [{"$ref": "#/nowhere"}]},
        {"allOf": [{"$ref": "https://example.com/"}]},
        {"allOf": {"type": "integer"}},
        {"allOf": [{"minimum": "x"}, {"minimum": 1}]},
        {"const": {"allOf": [INTEGER]}},
        {"contains": {}, "minItems": "x"},
        {"allOf": [{"type": 5}, {"type": "integer"}]},
        {"allOf": [{"items": INTEGER}, {"prefixItems": [{}]}]},
    ],
)
def test_what_one_cannot_say_stays(schema: dict[str, Any]) -> None:
    assert plain(schema) == schema


def test_depth_is_no_trouble() -> None:
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"allOf": [deep]}
    assert plain(deep) is not None
    doubling = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(60)}
    plain({"$ref": "#/$defs/d0", "$defs": doubling})
    assert "allOf" in plain({"allOf": [{"$ref": "#/$defs/loop"}]} | DEFS)


_PARTS = st.sampled_from(
    [{"type": "integer"}, {"type": ["integer", "null"]}, {"type": "number"}, {"minimum": 2},
     {"maximum": 3}, {"enum": [1, 2, "a", None]}, {"const": 2}, {"title": "t"},
     {"type": "object", "required": ["a"]}, {"properties": {"a": {"type": "integer"}}},
     {"properties": {"a": {"minimum": 2}, "b": {"const": 1}}},
     {"items": {"minimum": 2}}, {"minItems": 1}, {"additionalProperties": False},
     {"anyOf": [{"type": "integer"}, {"type": "array"}]}]
)  # fmt: skip
_VALUES = st.sampled_from(
    [0, 1, 2, 2.5, 3, 4, "a", "b", None, True, [], [1], [2], {}, {"a": 1}, {"a": 2, "b": 1},
     {"a": 3}, {"b": 2}, {"c": 1}]
)  # fmt: skip


@given(st.lists(_PARTS, min_size=1, max_size=4), _PARTS, _VALUES)
def test_the_same_values_are_valid(parts: list[Any], beside: dict[str, Any], value: Any) -> None:
    schema = {**beside, "allOf": parts}
    assert jsonschema_rs.is_valid(plain(schema), value) is jsonschema_rs.is_valid(schema, value)


@given(st.lists(_PARTS, max_size=3), st.integers(0, 3), st.integers(1, 3), st.lists(_VALUES))
def test_an_array_of_as_many_items_as_have_schemas_is_valid(
    parts: list[Any], least: int, most: int, value: list[Any]
) -> None:
    schema = {"prefixItems": [*parts, True], "minItems": least, "maxItems": most}
    schema["items"] = parts[0] if parts else False
    taken = plain(schema)
    as_many = "items" in taken or len(value) == len(taken["prefixItems"])
    if as_many and jsonschema_rs.is_valid(taken, value):
        assert jsonschema_rs.is_valid(schema, value)

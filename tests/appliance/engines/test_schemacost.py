from __future__ import annotations

from typing import Any

import pytest

from appliance.engines.schemacost import TooCostly, steps, unsupported

INTEGER = {"type": "integer"}
TWICE_ITEMS = {"anyOf": [{"items": {"$ref": "#"}}, {"items": {"$ref": "#"}}]}


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("schema", "value", "count"),
    [
        (True, 1, 1),
        ({}, 1, 1),
        (INTEGER, 1, 2),
        ({"properties": {"a": INTEGER, "b": INTEGER}}, {"a": 1}, 2 + 2),
        ({"properties": {"a": INTEGER}}, [1], 2),
        ({"items": INTEGER}, [1, 2, 3], 2 + 3 * 2),
        ({"items": INTEGER}, "abc", 2),
        ({"additionalProperties": INTEGER}, {"a": 1, "b": 2}, 2 + 2 * 2),
        ({"patternProperties": {"a": INTEGER, "b": INTEGER}}, {"a": 1}, 2 + 2 * 2),
        ({"anyOf": [INTEGER, INTEGER]}, 1, 2 + 2 * 2),
        ({"not": INTEGER}, 1, 2 + 2),
        ({"dependentSchemas": {"a": INTEGER}}, {}, 2 + 2),
        ({"enum": [{"items": INTEGER}], "const": INTEGER, "$defs": {"a": INTEGER}}, [1], 4),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": INTEGER}}, 1, 3 + 2),
        ({"$ref": "#/allOf/1", "allOf": [True, INTEGER]}, 1, 3 + 2 + 1 + 2),
        ({"$ref": "#/nowhere/at/all"}, 1, 2 + 1),
        ({"$ref": "#"}, 1, 2),
        ({"allOf": [{"$ref": "#"}, {"$ref": "#"}]}, 1, 2 + 2 * 2),
    ],
)
def test_steps_are_counted(schema: Any, value: Any, count: int) -> None:
    assert steps(schema, value) == count


def test_steps_that_double_are_counted_without_taking_them() -> None:
    assert 2**40 < steps(TWICE_ITEMS, nested(40)) < 2**50


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (TWICE_ITEMS, nested(5000)),
        ({"items": {"anyOf": [{"enum": [i]} for i in range(1000)]}}, list(range(1000, 2000))),
    ],
)
def test_there_is_an_end_to_counting(schema: Any, value: Any) -> None:
    with pytest.raises(TooCostly):
        steps(schema, value)


@pytest.mark.parametrize(
    ("schema", "named"),
    [
        ({"$id": "http://example.org/root", "items": {"$ref": "#/$defs/a"}}, ""),
        ({"properties": {"$id": {"type": "string"}}}, ""),
        ({"items": [{"$id": "a"}]}, "$id inside of another schema"),
        ({"items": {"$ref": "other.json"}}, "$ref to other.json"),
        ({"not": {"unevaluatedItems": False}}, "unevaluatedItems"),
        (True, ""),
    ],
)
def test_what_cannot_be_counted_is_named(schema: Any, named: str) -> None:
    assert unsupported(schema) == named

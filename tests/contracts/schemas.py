"""JSON schemas at random, with the keywords that people write and those that they might."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Schema = Any  # an object, or one of the two schemas that are no objects
_NAMES = st.sampled_from(["name", "age", "tags", "on", "größe", "a b", "x-1", "", '"', "$ref"])
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-1000, 1000)
    | st.sampled_from([0.5, -2.25, 1e10])
    | st.sampled_from(["", "red", "two words", 'quo"ted', "back\\slash", "né", "😀", "line\nbreak"])
)
_VALUES = _SCALARS | st.lists(_SCALARS, max_size=2) | st.dictionaries(_NAMES, _SCALARS, max_size=2)
_PATTERNS = st.sampled_from(
    [
        "^[a-z]{1,8}$",
        "^\\d{3}-\\d{4}$",
        "a",
        "^(red|green)$",
        "^\\p{L}+$",
        "[A-F0-9]{2}",
        "^x?y*z+$",
    ]
)
_FORMATS = st.sampled_from(
    ["date", "time", "date-time", "email", "uuid", "ipv4", "ipv6", "hostname", "uri", "duration"]
)
_NOTES = st.fixed_dictionaries(
    {},
    optional={
        "title": st.just("A title"),
        "description": st.just("What it means."),
        "default": _SCALARS,
        "examples": st.lists(_SCALARS, max_size=2),
        "deprecated": st.booleans(),
        "$comment": st.just("Nobody reads this."),
    },
)


def _bounds(low: str, high: str, least: int, most: int) -> st.SearchStrategy[dict[str, int]]:
    """None, one or both of two bounds, which leave room between them."""

    def both(pair: tuple[int, int]) -> st.SearchStrategy[dict[str, int]]:
        bounds = {low: min(pair), high: max(pair)}
        return st.sampled_from([{}, {low: bounds[low]}, {high: bounds[high]}, bounds, bounds])

    return st.tuples(st.integers(least, most), st.integers(least, most)).flatmap(both)


def _merged(*parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(*parts).map(lambda found: {k: v for part in found for k, v in part.items()})


def _typed(name: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.just({"type": name})


_STRINGS = _merged(
    _typed("string"),
    st.one_of(
        _bounds("minLength", "maxLength", 0, 12),
        _PATTERNS.map(lambda pattern: {"pattern": pattern}),
        _FORMATS.map(lambda kind: {"format": kind}),
    ),
)
_NUMBERS = _merged(
    st.sampled_from(["integer", "number"]).flatmap(_typed),
    st.one_of(
        _bounds("minimum", "maximum", -20, 200),
        _bounds("exclusiveMinimum", "exclusiveMaximum", -20, 0),
        st.sampled_from([{"multipleOf": 5}, {"multipleOf": 0.5}, {"minimum": 0.25}]),
    ),
)
_LEAVES = st.one_of(
    _STRINGS,
    _NUMBERS,
    _typed("boolean"),
    _typed("null"),
    st.lists(_VALUES, min_size=1, max_size=3).map(lambda values: {"enum": values}),
    _VALUES.map(lambda value: {"const": value}),
    st.just({"type": ["string", "null"], "maxLength": 8}),
    st.just({"type": ["integer", "boolean"]}),
    st.just({}),
    st.just(True),
)


def _with_pattern(part: Schema) -> Schema:
    return {"type": "object", "patternProperties": {"^x-": part}, "additionalProperties": False}


def _arrays(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    items = st.one_of(
        inner.map(lambda each: {"items": each}),
        inner.map(lambda each: {"items": _with_pattern(each)}),
        st.lists(inner, min_size=1, max_size=2).map(
            lambda each: {"prefixItems": each, "items": False}
        ),
        st.lists(inner, min_size=1, max_size=2).map(lambda each: {"prefixItems": each}),
    )
    return _merged(_typed("array"), items, _bounds("minItems", "maxItems", 0, 3))


def _objects(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    def whole(properties: dict[str, Schema]) -> st.SearchStrategy[Schema]:
        names = sorted(properties)
        more = st.fixed_dictionaries(
            {},
            optional={
                "required": st.lists(st.sampled_from(names), unique=True, max_size=3),
                "additionalProperties": st.booleans() | inner,
            },
        )
        begin: list[dict[str, Any]] = [{}, {"additionalProperties": False}]
        whole = {"type": "object", "properties": properties}
        return _merged(st.sampled_from(begin), more, st.just(whole))

    return st.dictionaries(_NAMES, inner, min_size=1, max_size=3).flatmap(whole)


def _combined(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda each: {"anyOf": each}),
        st.lists(inner, min_size=1, max_size=2).map(lambda each: {"oneOf": each}),
        inner.map(lambda each: {"allOf": [each, {"description": "Both of it."}]}),
    )


def _odd(part: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    """Keywords that few engines can bind an answer to."""
    return st.one_of(
        part.map(lambda each: {"not": each}),
        st.tuples(part, part, part).map(lambda t: {"if": t[0], "then": t[1], "else": t[2]}),
        part.map(lambda each: {"type": "array", "items": each, "uniqueItems": True}),
        part.map(lambda each: {"type": "array", "contains": each}),
        part.map(lambda each: {"type": "object", "additionalProperties": each, "minProperties": 2}),
        part.map(lambda each: {"properties": {"x-1": each}, "patternProperties": {"^x-": each}}),
        st.just({"type": "object", "propertyNames": {"maxLength": 5}}),
        st.just({"type": "object", "dependentRequired": {"name": ["age"]}}),
        st.just({"type": "string", "pattern": "(?=a)b"}),
    )


def _noted(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return st.tuples(inner.filter(lambda each: isinstance(each, dict)), _NOTES).map(
        lambda pair: pair[1] | pair[0]
    )


def _referring(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    """Schemas with definitions, one of which may hold itself."""
    tree = {
        "type": "object",
        "properties": {"value": {"type": "integer"}, "next": {"$ref": "#/$defs/tree"}},
        "required": ["value"],
    }
    ref = {"$ref": "#/$defs/part"}
    uses: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
        [
            ref,
            {"type": "array", "items": ref, "maxItems": 2},
            {"type": "object", "properties": {"part": ref, "tree": {"$ref": "#/$defs/tree"}}},
            {"anyOf": [ref, {"$ref": "#/$defs/tree"}]},
        ]
    )
    definitions = inner.map(lambda part: {"$defs": {"part": part, "tree": tree}})
    return _merged(uses, definitions)


PARTS: st.SearchStrategy[Schema] = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(_arrays(inner), _objects(inner), _objects(inner), _combined(inner)),
    max_leaves=6,
)
_USUAL = st.one_of(
    _objects(PARTS),
    _objects(PARTS),
    _objects(PARTS),
    _arrays(PARTS),
    _noted(PARTS),
    _referring(PARTS),
)
SCHEMAS: st.SearchStrategy[dict[str, Any]] = st.sampled_from(range(10)).flatmap(
    lambda number: _odd(PARTS) if number == 9 else _USUAL
)
"""Whole schemas; those that a request may carry are objects."""

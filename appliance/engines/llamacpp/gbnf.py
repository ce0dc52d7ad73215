"""JSON schemas as llama.cpp takes them, which makes its own grammars (GBNF) of them.

It takes `{"allOf": [{"type": "integer"}]}` for an object, leaves out an `allOf` that stands beside
`properties`, and `prefixItems` beside `items`, does not know `contains`, and refuses `true`. The
same in other words, or a little less than the same, is what it can bind an answer to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial, reduce
from typing import Any

import msgspec

from appliance.engines.llamacpp import gbnf_pattern
from appliance.engines.subschemas import changed, target

_MOST_FOLLOWED = 100  # references
_LONGEST = 100_000  # characters
_REMARKS = frozenset(
    "$comment default deprecated description examples readOnly title writeOnly".split()
)
_LARGEST = frozenset("exclusiveMinimum minItems minLength minProperties minimum".split())
_SMALLEST = frozenset("exclusiveMaximum maxItems maxLength maxProperties maximum".split())
# What these mean depends on others of the same schema.
_DEPENDENT = frozenset(
    "additionalItems additionalProperties contains else if items patternProperties prefixItems "
    "then".split()
)
_CONTENT = _DEPENDENT | {"$ref", "allOf", "anyOf", "oneOf", "properties"}


class _Apart(Exception):
    """Two schemas that one cannot say."""


def plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema in plainer words, if there are any: what it admits is admitted by the first one."""
    try:
        one = dict(_Plain(schema).part(schema, frozenset()))
        return one if len(_text(one)) <= _LONGEST else dict(schema)
    except (
        RecursionError,
        TypeError,
    ):  # too deep, or none: llama.cpp says why
        return dict(schema)


class _Plain:
    """One schema, to whose parts references lead."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._followed = 0

    def part(self, schema: Any, within: frozenset[str]) -> Any:
        """The same of a part, which stands `within` what these references lead to."""
        if not isinstance(schema, Mapping):
            return {} if schema is True else schema
        again = partial(self.part, within=within)
        found = {keyword: _changed(keyword, value, again) for keyword, value in schema.items()}
        return _alike(_tuple(self._merged(found, within)))

    def _merged(self, schema: dict[str, Any], within: frozenset[str]) -> dict[str, Any]:
        """One schema in place of an `allOf`, where that is possible."""
        if not isinstance(schema.get("allOf"), list):
            return schema
        beside = {keyword: value for keyword, value in schema.items() if keyword != "allOf"}
        try:
            return reduce(_both, [self._followed_to(p, within) for p in schema["allOf"]], beside)
        except _Apart:
            return schema

    def _followed_to(self, schema: Any, within: frozenset[str]) -> Mapping[str, Any]:
        """What a reference leads to, together with what stands beside it."""
        if not isinstance(schema, Mapping):
            raise _Apart
        if "$ref" not in schema:
            return schema
        reference = schema["$ref"]
        found = target(self._root, reference)
        self._followed += 1
        if found is None or reference in within or self._followed > _MOST_FOLLOWED:
            raise _Apart
        within |= {reference}
        beside = {keyword: value for keyword, value in schema.items() if keyword != "$ref"}
        return _both(beside, self._followed_to(self.part(found, within), within))


def _changed(keyword: str, value: Any, change: Callable[[Any], Any]) -> Any:
    if keyword == "additionalProperties" and isinstance(value, bool):
        return value
    if keyword == "pattern" and isinstance(value, str):
        return gbnf_pattern.plain(value)
    return changed(keyword, value, change)


def _tuple(schema: dict[str, Any]) -> dict[str, Any]:
    """An array of just as many items as have a schema of their own, if it may be so short."""
    first, least = schema.get("prefixItems"), schema.get("minItems", 0)
    if not (isinstance(first, list) and isinstance(least, int) and least <= len(first)):
        return schema
    kept = {key: value for key, value in schema.items() if key not in ("items", "maxItems")}
    most = schema.get("maxItems")
    return kept | {"prefixItems": first[:most] if isinstance(most, int) else first}


def _alike(schema: dict[str, Any]) -> dict[str, Any]:
    """An array of nothing but what one of its items has to be."""
    if "contains" not in schema or not {"items", "prefixItems", "maxContains"}.isdisjoint(schema):
        return schema
    kept = {key: each for key, each in schema.items() if key not in ("contains", "minContains")}
    least = max(schema.get("minContains", 1), schema.get("minItems", 0))
    return kept | {"items": schema["contains"], "minItems": least}


def _both(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """A schema that says what both say; raises _Apart."""
    for this, that in ((one, other), (other, one)):
        if not (_DEPENDENT.isdisjoint(this) or _CONTENT.isdisjoint(that)):
            raise _Apart
    same = one.keys() & other.keys()
    return {**one, **other, **{keyword: _joined(keyword, one, other) for keyword in same}}


def _joined(keyword: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> Any:
    this, that = one[keyword], other[keyword]
    if keyword in _REMARKS or _text(this) == _text(that):
        return this
    if keyword in _LARGEST | _SMALLEST and _are(int | float, this, that):
        return max(this, that) if keyword in _LARGEST else min(this, that)
    if keyword == "required" and _are(list, this, that):
        return [*this, *(name for name in that if name not in this)]
    if keyword == "enum" and _are(list, this, that) and (values := _values(this, that)):
        return values
    if keyword == "type" and (types := _types(this, that)):
        return types if len(types) > 1 else types[0]
    if keyword == "properties" and _are(dict, this, that):
        shared = {name: _property(this[name], that[name]) for name in this.keys() & that.keys()}
        return {**this, **that, **shared}
    raise _Apart


def _property(one: Any, other: Any) -> dict[str, Any]:
    if not _are(Mapping, one, other):
        raise _Apart
    return _both(one, other)


def _values(one: list[Any], other: list[Any]) -> list[Any]:
    texts = [_text(each) for each in one]  # 1 and true are the same to Python
    return [each for each in other if _text(each) in texts]


def _types(*wanted: Any) -> list[str]:
    """The types that both name; an integer is a number."""
    one, other = ([each] if isinstance(each, str) else list(each) for each in wanted)
    shared = [each for each in one if each in other]
    if "integer" not in shared and {"integer", "number"} <= {*one, *other}:
        shared = [each for each in shared if each != "number"] + ["integer"]
    return shared


def _are(kind: Any, *values: Any) -> bool:
    return all(isinstance(value, kind) for value in values)


def _text(value: Any) -> bytes:
    return msgspec.json.encode(value, order="sorted")

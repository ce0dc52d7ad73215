"""What it costs to check a value against a JSON schema, before it is done.

References let a schema of a few lines ask for more steps than there is time, and the check runs in
native code that nothing can interrupt. Counting them takes few steps, as each pair of a subschema
and a value is counted once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from appliance.engines.subschemas import target

_TOO_MANY = 200_000  # pairs

_NAMED = {"patternProperties", "dependentSchemas", "dependencies"}
_OF_CHILDREN = {
    "additionalItems", "additionalProperties", "contains", "items", "patternProperties",
    "prefixItems",
}  # fmt: skip
_NO_SCHEMAS = {
    "$defs", "const", "default", "definitions", "dependentRequired", "enum", "examples", "required",
    "type",
}  # fmt: skip
_UNSUPPORTED = {
    "$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveRef", "unevaluatedItems",
    "unevaluatedProperties",
}  # fmt: skip


class TooCostly(Exception):
    """The schema asks for more steps than can be counted."""


def unsupported(schema: Any) -> str:
    """A keyword of `schema` whose cost cannot be told, "" if there is none."""
    waiting: list[Any] = [schema]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            for keyword in sorted(_UNSUPPORTED & each.keys()):
                return keyword
            if isinstance(ref := each.get("$ref"), str) and not ref.startswith("#"):
                return f"$ref to {ref}"
            if each is not schema and isinstance(each.get("$id"), str):
                return "$id inside of another schema"
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
    return ""


def steps(schema: Any, value: Any) -> int:
    """How many keywords are looked at, at most; raises TooCostly."""
    try:
        return _Count(schema).steps(schema, value)
    except RecursionError as error:
        raise TooCostly from error


class _Count:
    def __init__(self, root: Any) -> None:
        self._root = root
        self._known: dict[tuple[int, int], int] = {}

    def steps(self, schema: Any, value: Any) -> int:
        if not isinstance(schema, dict):
            return 1
        pair = (id(schema), id(value))
        if pair not in self._known:
            if len(self._known) >= _TOO_MANY:
                raise TooCostly
            self._known[pair] = 0  # a circle in which the value stays the same ends here
            parts = (self._keyword(*each, value) for each in schema.items())
            self._known[pair] = 1 + len(schema) + sum(parts)
        return self._known[pair]

    def _keyword(self, keyword: str, content: Any, value: Any) -> int:
        if keyword == "$ref":
            return self.steps(target(self._root, content), value)
        if keyword == "properties" and isinstance(content, dict):
            own = value if isinstance(value, dict) else {}
            return sum(self.steps(content[name], own[name]) for name in content if name in own)
        if keyword in _NO_SCHEMAS:
            return 0
        values = _children(value) if keyword in _OF_CHILDREN else [value]
        return sum(self.steps(one, each) for one in _schemas(keyword, content) for each in values)


def _schemas(keyword: str, content: Any) -> Iterator[Any]:
    if isinstance(content, list):
        yield from content
    elif isinstance(content, dict):
        yield from content.values() if keyword in _NAMED else (content,)


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []

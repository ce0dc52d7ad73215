"""JSON schemas as llguidance takes them, which the wheel's llama.cpp binds answers with.

llama.cpp goes on without any bounds when it cannot take a grammar: only its log says so. So each
schema is tried here before, by the same library.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from typing import Any

import msgspec

from appliance.engines.subschemas import changed, target
from appliance.errors import Unsupported

# Without it a weak model may fill its answer with white space.
_LAYOUT = {"whitespace_flexible": False, "key_separator": ": ", "item_separator": ", "}
_LONGEST = 100_000  # characters; the time that a schema takes grows with it
_LONGEST_REASON = 300
_MOST_REPLACED = 100  # references
_MOST_COUNTED = 10_000  # items: more fit into no context, but counting them takes memory
_UNKNOWN_KEYS = re.compile(r"Unimplemented keys: \[(?P<keys>[^\]]*)\]")
# What it can bind a string to (JSON schema, validation, section 7.3); others are only remarks.
_FORMATS = frozenset(
    "date date-time time duration email hostname ipv4 ipv6 uri uuid unknown".split()
)
_LEAST, _MOST = ("minItems", "minProperties"), ("maxItems", "maxProperties")
_OPEN = frozenset(
    "additionalProperties patternProperties minProperties $ref anyOf oneOf if not".split()
)


def bindable(schema: Mapping[str, Any]) -> str:
    """The schema as JSON text for a grammar.

    Raises Unsupported with the name of what no answer can be bound to.
    """
    try:
        text = msgspec.json.encode(_Plain(schema).whole() | {"x-guidance": _LAYOUT}).decode()
    except RecursionError as error:
        raise Unsupported("The JSON schema is nested too deeply.") from error
    if len(text) > _LONGEST:
        raise Unsupported(f"The JSON schema is too long: {_LONGEST} characters are allowed.")
    if problem := _problem(text):
        raise Unsupported(f"The JSON schema cannot be used: {problem}.")
    return text


@lru_cache(maxsize=64)
def _problem(schema: str) -> str:
    """Why a schema cannot be used, "" if it can; apps send the same one again and again."""
    # Here, not above: it takes 2 MB, which a device has no use for until the first schema comes.
    from llguidance import LLMatcher, LLTokenizer

    grammar = LLMatcher.grammar_from_json_schema(schema)
    if problem := LLMatcher.validate_grammar(grammar):
        return _reason(problem)
    matcher = LLMatcher(LLTokenizer("byte"), grammar)
    matcher.compute_bitmask()
    # Such as a reference that leads to itself.
    return "no answer fits it" if matcher.is_error() else ""


def _reason(problem: str) -> str:
    if found := _UNKNOWN_KEYS.search(problem):
        keys = found["keys"].replace('"', "'")
        return f"no answer can be bound to {keys} here; leave that out"
    if "oneOf" in problem:
        return (
            "two branches of a 'oneOf' may fit the same value; use 'anyOf', or a 'const' that "
            "tells them apart"
        )
    return " ".join(problem.split())[:_LONGEST_REASON].rstrip(".")


def _is_beyond(count: Any) -> bool:
    return isinstance(count, int | float) and count > _MOST_COUNTED


def _is_closed(schema: Mapping[str, Any]) -> bool:
    """Whether an object may do with the properties that its schema names."""
    named, required = schema.get("properties"), schema.get("required", [])
    if not isinstance(named, Mapping) or not named or not _OPEN.isdisjoint(schema):
        return False
    return isinstance(required, list) and all(name in named for name in required)


class _Plain:
    """A schema in other words.

    Remarks that read as rules are left out, and the branches of a `oneOf`, which are compared with
    each other, stand there instead of references. An object has no properties but those that are
    named, unless the schema speaks of others: a weak model would never come to an end.
    """

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._replaced = 0
        # Several schemas for one object: each names some properties only.
        self._closes = b'"allOf"' not in msgspec.json.encode(root)

    def whole(self) -> dict[str, Any]:
        return dict(self._keywords(self._root, frozenset({"#"})))

    def _plain(self, schema: Any, within: frozenset[str]) -> Any:
        """The same of a part, which stands `within` what these references lead to."""
        return dict(self._keywords(schema, within)) if isinstance(schema, Mapping) else schema

    def _keywords(
        self, schema: Mapping[str, Any], within: frozenset[str]
    ) -> Iterator[tuple[str, Any]]:
        if self._closes and _is_closed(schema):
            yield "additionalProperties", False
        if schema.get("properties") and "patternProperties" in schema:
            # A property that has such a name is bound to one of its two schemas only.
            raise Unsupported("The JSON schema has 'patternProperties' beside 'properties'.")
        for keyword, value in schema.items():
            if keyword in _MOST and _is_beyond(value):
                continue
            if keyword in _LEAST and _is_beyond(value):
                raise Unsupported(f"The JSON schema asks for too many items: '{keyword}': {value}.")
            if keyword == "format" and value not in _FORMATS:
                continue
            if keyword == "oneOf" and isinstance(value, list):
                yield keyword, [self._branch(each, within) for each in value]
            else:
                yield keyword, changed(keyword, value, partial(self._plain, within=within))

    def _branch(self, schema: Any, within: frozenset[str]) -> Any:
        """What a reference leads to, unless that holds itself; any other schema is itself."""
        while isinstance(schema, Mapping) and schema.keys() == {"$ref"}:
            reference = schema["$ref"]
            found = target(self._root, reference)
            if found is None or reference in within or self._replaced == _MOST_REPLACED:
                return schema
            self._replaced += 1
            schema, within = found, within | {reference}
        return self._plain(schema, within)

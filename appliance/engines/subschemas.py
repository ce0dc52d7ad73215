"""Where a JSON schema has other schemas within (JSON Schema 2020-12, core, section 10)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

_OF_SCHEMAS = frozenset("allOf anyOf oneOf prefixItems items".split())
_OF_NAMED_SCHEMAS = frozenset("properties patternProperties $defs definitions".split())
_OF_A_SCHEMA = frozenset("items additionalProperties additionalItems not contains".split())


def changed(keyword: str, value: Any, change: Callable[[Any], Any]) -> Any:
    """The value of a keyword with `change` made to each schema that stands right in it."""
    if keyword in _OF_NAMED_SCHEMAS and isinstance(value, Mapping):
        return {name: change(each) for name, each in value.items()}
    if keyword in _OF_SCHEMAS and isinstance(value, list):
        return [change(each) for each in value]
    return change(value) if keyword in _OF_A_SCHEMA else value


def target(root: Any, reference: Any) -> Any:
    """What a reference (RFC 6901, as a fragment) leads to within `root`; None if to nothing."""
    if not (isinstance(reference, str) and f"{reference}/".startswith("#/")):
        return None
    found = root
    for part in reference.split("/")[1:]:
        name = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping):
            found = found.get(name)
        elif isinstance(found, list) and name.isdigit() and int(name) < len(found):
            found = found[int(name)]
        else:
            return None
    return found

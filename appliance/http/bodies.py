"""JSON bodies, decoded once into frozen types; what is wrong is said with the path of the field."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from appliance.errors import BadRequest, MissingField, WrongType

Body = TypeVar("Body")
_AT = re.compile(r"(?P<what>.*) - at `\$(?P<path>[^`]*)`", re.S)
_MISSING = re.compile(r"Object missing required field `(?P<name>[^`]*)`")
_CONSTRAINT = re.compile(r"Expected `\w+` (?:[<>]|of length|matching|that's)")


class InvalidJson(BadRequest):
    """The body is not JSON at all."""

    code = "invalid_json"


def decode(body: bytes, kind: type[Body]) -> Body:
    """The body as `kind`. Raises InvalidJson, MissingField, WrongType or BadRequest."""
    try:
        return msgspec.json.decode(body.decode() or "{}", type=kind)
    except msgspec.ValidationError as error:
        raise _explain(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidJson(f"The body is not valid JSON: {error}.") from error
    except RecursionError as error:
        raise InvalidJson("The body is nested too deeply.") from error


def unknown_fields(body: bytes, kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """Top-level fields that `kind` does not have, sorted; they had no effect.

    Raises InvalidJson: a name that nobody knows was not looked at before.
    """
    known = {field.encode_name for field in msgspec.structs.fields(kind)}
    sent = decode(body, dict[str, msgspec.Raw])
    return tuple(sorted(name for name in sent if name not in known))


def _explain(text: str) -> BadRequest:
    found = _AT.fullmatch(text)
    what, path = found.groups() if found else (text, "")
    path = path.lstrip(".").replace("[...]", "[]")
    if missing := _MISSING.match(what):
        name = f"{path}.{missing['name']}" if path else missing["name"]
        return MissingField(f"Missing required field '{name}'.", param=name)
    where = f"'{path}'" if path else "the body"
    plain = what.replace("`", "")
    if _CONSTRAINT.match(what) or not what.startswith("Expected"):
        return BadRequest(f"Invalid value for {where}: {_lower(plain)}.", param=path or None)
    return WrongType(f"Invalid type for {where}: {_lower(plain)}.", param=path or None)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]

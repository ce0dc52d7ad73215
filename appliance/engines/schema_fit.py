"""Whether a JSON value is valid under a JSON schema, in bounded time."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import msgspec

from appliance.engines.schemacost import TooCostly, steps, unsupported
from appliance.errors import BadRequest

_LONGEST_PROBLEM = 400  # characters
_LONGEST_SCHEMA = 32_000  # characters; it may become part of a prompt
_MOST_STEPS = 1_000_000
_MOST_EXPLAINED_STEPS = 2_000  # the library's explanation takes thousands of times as long


class SchemaFit:
    """Checks values against `schema`; raises BadRequest for one that makes no sense.

    `param` is what that error calls the part of the request where the schema stands.

    Nothing is fetched for a schema, and its patterns are run by an engine that takes linear time,
    so look-around and back-references are refused. References must stay within the schema.
    """

    def __init__(
        self, schema: dict[str, Any], param: str = "response_format.json_schema.schema"
    ) -> None:
        self._schema = schema
        self._validator = _validator(schema, param)

    def problem(self, value: Any) -> str:
        """What is wrong with a decoded value, "" if nothing is."""
        try:
            cost = steps(self._schema, value)
        except TooCostly:
            cost = _MOST_STEPS + 1
        if cost > _MOST_STEPS:
            return "it is too intricate to be checked against the schema"
        try:
            if cost > _MOST_EXPLAINED_STEPS:
                valid = self._validator.is_valid(value)
                return "" if valid else "it is not valid under the schema"
            self._validator.validate(value)
        except jsonschema_rs.ValidationError as error:
            place = "".join(f"[{part!r}]" for part in error.instance_path)
            where = f"at {place}: " if place else ""
            return f"{where}{error.message[:_LONGEST_PROBLEM]}"
        except ValueError as error:
            return str(error)[:_LONGEST_PROBLEM]
        return ""


def _validator(schema: dict[str, Any], param: str) -> jsonschema_rs.Validator:
    if len(msgspec.json.encode(schema)) > _LONGEST_SCHEMA:
        raise BadRequest(
            f"The JSON schema is too long for this model: {_LONGEST_SCHEMA} characters at most.",
            param=param,
        )
    if keyword := unsupported(schema):
        raise BadRequest(f"The JSON schema cannot be used: it has {keyword}.", param=param)
    try:
        return jsonschema_rs.validator_for(
            schema, offline=True, pattern_options=jsonschema_rs.RegexOptions()
        )
    except ValueError as error:
        why = str(error).partition("\n")[0][:_LONGEST_PROBLEM]
        raise BadRequest(f"The JSON schema cannot be used: {why}", param=param) from error

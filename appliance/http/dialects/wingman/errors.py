"""Errors of the control API: as everywhere, but what is missing or wrong is a 422."""

from __future__ import annotations

from appliance.errors import BadRequest, LunaError, MissingField
from appliance.http.dialects.openai.answers import ErrorBody
from appliance.http.errors import ErrorShape, error_headers, openai_error, status_of
from appliance.http.exchange import Reply, Request, json_reply


def _render(error: LunaError, request_id: str) -> Reply:
    status = 422 if isinstance(error, BadRequest) else status_of(error)
    return json_reply(openai_error(error), status, error_headers(error))


WINGMAN = ErrorShape("Wingman", ErrorBody, _render)


def required(request: Request, name: str) -> str:
    """A field of the query; raises MissingField where it is absent or empty."""
    value = request.query.get(name, "")
    if not value:
        raise MissingField(f"The query lacks '{name}'.", param=name)
    return value

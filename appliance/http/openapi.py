"""`/openapi.json` and `/docs`, made from the route table that the application serves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from appliance import __version__
from appliance.errors import NotFound
from appliance.http.dialects.openai.answers import ErrorBody
from appliance.http.exchange import Reply, Request, json_reply
from appliance.http.routes import Operation, Route

_ASSETS = Path(__file__).parent / "assets"
_TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript"}
_REASONS = {
    200: "The answer",
    400: "The request can never work; the message says why, `param` where",
    404: "There is no such model",
    405: "This path does not take this method",
    413: "The body is too large",
    500: "The engine failed",
    501: "This device cannot give that",
    503: "Not now: the model loads, or its queue is full; see Retry-After",
    504: "The engine gave no sign of life for too long",
}
_PAGE_POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """The OpenAPI 3.1 description of a route table."""
    operations = [route.operation for route in routes]
    kinds = [kind for each in operations for kind in (each.body, each.answer) if kind is not None]
    kinds = list(dict.fromkeys([*kinds, ErrorBody]))
    schemas, components = msgspec.json.schema_components(
        kinds, ref_template="#/components/schemas/{name}"
    )
    by_kind = dict(zip(kinds, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.public_path, {})[route.method.lower()] = _operation(route, by_kind)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Luna",
            "version": __version__,
            "summary": "A private language-model appliance",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": components},
    }


def document_routes(routes: Sequence[Route]) -> tuple[Route, ...]:
    """Routes for the documents; they describe `routes` and themselves."""
    spec = Operation("This description, as OpenAPI 3.1", "Documents", answer=dict[str, Any])
    page = Operation("This page", "Documents", content_type="text/html")
    asset = Operation(
        "A file of the documents' page", "Documents", statuses=(404,), content_type="text/css"
    )

    def openapi(request: Request) -> Reply:
        return json_reply(description)

    def docs(request: Request) -> Reply:
        return _file("docs.html")

    def file(request: Request) -> Reply:
        return _file(request.parameters["name"])

    own = (
        Route("GET", "/openapi.json", openapi, spec),
        Route("GET", "/docs", docs, page),
        Route("GET", "/docs/{name}", file, asset),
    )
    description = document((*routes, *own))
    return own


def _file(name: str) -> Reply:
    """A file of the assets folder, by its plain name."""
    known = {path.name: path for path in _ASSETS.iterdir() if path.suffix in _TYPES}
    if name not in known:
        raise NotFound(f"There is no file '{name}' here; the page itself is /docs.")
    path = known[name]
    headers = (("Cache-Control", "max-age=3600"), ("Content-Security-Policy", _PAGE_POLICY))
    return Reply(path.read_bytes(), 200, _TYPES[path.suffix], headers)


def _operation(route: Route, schemas: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    operation = route.operation
    name = route.path.strip("/").replace("/", "_").replace(":path", "").replace(".", "_")
    found: dict[str, Any] = {
        "operationId": f"{route.method.lower()}_{name.replace('{', '').replace('}', '') or 'root'}"
        + ("_slash" if route.path.endswith("/") and name else ""),
        "summary": operation.summary,
        "tags": [operation.tag],
        "responses": _responses(operation, schemas),
    }
    if operation.description:
        found["description"] = operation.description
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in route.parameters
    ]
    parameters += [
        {
            "name": query.name,
            "in": "query",
            "description": query.description,
            "schema": msgspec.json.schema(query.schema),
        }
        for query in operation.query
    ]
    if parameters:
        found["parameters"] = parameters
    if operation.body is not None:
        content: dict[str, Any] = {"schema": schemas[operation.body]}
        if operation.example is not None:
            content["example"] = operation.example
        found["requestBody"] = {"required": True, "content": {"application/json": content}}
    return found


def _responses(operation: Operation, schemas: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {operation.content_type: {}}
    if operation.answer is not None:
        content = {operation.content_type: {"schema": schemas[operation.answer]}}
    if operation.streams:
        content["text/event-stream"] = {"schema": {"type": "string"}}
    responses: dict[str, Any] = {"200": {"description": _REASONS[200], "content": content}}
    error = {"application/json": {"schema": schemas[ErrorBody]}}
    for status in (*operation.statuses, *((413,) if operation.body is not None else ())):
        responses[str(status)] = {"description": _REASONS[status], "content": error}
    return responses

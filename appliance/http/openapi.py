"""`/openapi.json` and `/docs`, made from the route table that the application serves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from appliance import __version__, errors
from appliance.errors import LunaError
from appliance.http.errors import OPENAI, ErrorShape
from appliance.http.exchange import Reply, Request, json_reply
from appliance.http.files import TYPES, Files
from appliance.http.routes import Framing, Operation, Parameter, Route

_DESCRIPTION = """\
Talk to the models of this device. Nothing leaves it.

Every answer carries `x-request-id`: the one you sent, or a new one; the log has it too. Every
failure is JSON in the shape of its dialect, `ErrorBody` where there is none, with a sentence that
says what to do. A path that does not exist answers 404, a method that a path does not take 405
with `Allow`, and what is not HTTP or is too long 400, 408, 411, 413, 414, 417, 431, 501 or 505.
After a 429 or 503 wait as long as `Retry-After` says.

The models are for everybody on the network until a key for inference is made (`luna keys add`).
Administration needs a key for it, the device itself or its setup network. Web pages of other
addresses may use the models and change nothing else.

In a stream of events each one is `data:`, one JSON object and an empty line; the last one is
`data: [DONE]`, except where events have names and in llama.cpp's own shape. If the generation
fails in the middle, its last event is the failure instead. Lines that begin with a colon mean
nothing: they keep a silent connection alive.
"""

# Status → its name among the components, what it means, and an error that looks like it.
_FAILURES: dict[int, tuple[str, str, LunaError]] = {
    400: (
        "BadRequest",
        "The request can never work: the message says why, `param` where",
        errors.MissingField("Missing required field 'messages'.", param="messages"),
    ),
    401: (
        "NoKey",
        "It needs an API key, which is missing or not known; only once there are keys",
        errors.Unauthorized("Send an API key as `Authorization: Bearer KEY`."),
    ),
    403: (
        "NotYou",
        "Only administrators may do that, and no web page of elsewhere",
        errors.Forbidden("Only programs on the device itself may do this; run it there."),
    ),
    404: (
        "NotFound",
        "There is no such model or file",
        errors.ModelNotFound("The model 'x' does not exist.", param="model"),
    ),
    413: (
        "TooLarge",
        "The body is larger than `server.body_bytes` allows",
        errors.BodyTooLarge("The body is larger than 33554432 bytes; send less."),
    ),
    421: (
        "WrongHost",
        "The `Host` is neither an address nor a name of this device",
        errors.UnknownHost("This server is not called 'example.org'."),
    ),
    422: (
        "Lacking",
        "The query lacks a field, which the message names",
        errors.MissingField("The query lacks 'modelRepo'.", param="modelRepo"),
    ),
    426: (
        "NoSocket",
        "This is a WebSocket, and the request does not ask for one of version 13",
        errors.UpgradeRequired("This is a WebSocket; connect to it with a ws:// address."),
    ),
    429: (
        "TooOften",
        "Asked too often, or guessed too many keys; see `Retry-After`",
        errors.RateLimited("You may ask this 60 times a minute; go on in 9 seconds."),
    ),
    500: (
        "Failed",
        "The engine failed, or Luna has a fault; the log says more",
        errors.EngineDied("The engine ended in mid-request; send the request again."),
    ),
    501: (
        "NotGiven",
        "This device cannot give that",
        errors.ReadingUnavailable("This machine has no NPU that Luna knows."),
    ),
    502: (
        "HubFailed",
        "The hub that models come from sent what makes no sense",
        errors.HubFailed("The hub's answer makes no sense; check its address."),
    ),
    503: (
        "NotNow",
        "The model loads, its queue is full, or the server is busy or stops; see `Retry-After`",
        errors.QueueFull("256 requests wait for this model already; try again later."),
    ),
    504: (
        "Silent",
        "The engine gave no sign of life for too long",
        errors.EngineTimeout("The engine was silent for 60 seconds; send the request again."),
    ),
    507: (
        "NoRoom",
        "The disk is full",
        errors.DiskFull("The disk is full: delete a model or other files."),
    ),
}
_ALWAYS = (400, 421, 429, 500, 503)
_ASSETS = Path(__file__).parent / "assets"


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """The OpenAPI 3.1 description of a route table."""
    operations = [route.operation for route in routes]
    kinds = [k for each in operations for k in (each.body, each.answer, each.event)]
    shapes = list(dict.fromkeys([OPENAI, *(route.error for route in routes)]))
    kinds = list(dict.fromkeys([*filter(None, kinds), *(shape.body for shape in shapes)]))
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
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "This device"}],
        # No key at all will do until one for inference was made.
        "security": [{}, {"bearer": []}, {"header": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(each.tag for each in operations)],
        "paths": paths,
        "components": {
            "schemas": components,
            "headers": _headers(),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "header": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
            "responses": {
                f"{shape.name}{name}": _failure(status, shape, by_kind)
                for shape in shapes
                for status, (name, _, _) in _FAILURES.items()
            },
        },
    }


def document_routes(routes: Sequence[Route]) -> tuple[Route, ...]:
    """Routes for the documents; they describe `routes` and themselves."""
    files = Files(_ASSETS)
    spec = Operation("This description, as OpenAPI 3.1", "Documents", answer=dict[str, Any])
    page = Operation("The page that shows it", "Documents", content_types=(TYPES[".html"],))
    asset = Operation(
        "A file of that page",
        "Documents",
        statuses=(404,),
        path=(Parameter("name", "The name of the file", example="docs.js"),),
        content_types=tuple(TYPES.values()),
    )

    def openapi(request: Request) -> Reply:
        return json_reply(description)

    def docs(request: Request) -> Reply:
        return files.reply("docs.html", request)

    def file(request: Request) -> Reply:
        return files.reply(request.parameters["name"], request)

    own = (
        Route("GET", "/openapi.json", openapi, spec, access="open"),
        Route("GET", "/docs", docs, page, access="open"),
        Route("GET", "/docs/{name}", file, asset, access="open"),
    )
    description = document((*routes, *own))
    return own


def _operation(route: Route, schemas: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    operation = route.operation
    found: dict[str, Any] = {
        "operationId": _operation_id(route),
        "summary": operation.summary,
        "tags": [operation.tag],
        "responses": _responses(route, schemas),
    }
    if route.access == "open":
        found["security"] = []
    if operation.description:
        found["description"] = operation.description
    parameters = [_parameter(each, "path") for each in operation.path]
    parameters += [_parameter(each, "query") for each in operation.query]
    if parameters:
        found["parameters"] = parameters
    if operation.body is not None:
        content: dict[str, Any] = {"schema": schemas[operation.body]}
        if operation.examples:
            content["examples"] = {
                title: {"summary": title, "value": value}
                for title, value in operation.examples.items()
            }
        found["requestBody"] = {
            "required": operation.body_required,
            "content": {"application/json": content},
        }
    return found


def _operation_id(route: Route) -> str:
    """The method and the words of the path: `post_v1_chat_completions`."""
    path = route.public_path.replace("{", "").replace("}", "")
    words = path.strip("/").replace("/", "_").replace(".", "_")
    slash = "_slash" if words and path.endswith("/") else ""
    return f"{route.method.lower()}_{words or 'root'}{slash}"


def _parameter(parameter: Parameter, place: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": parameter.name,
        "in": place,
        "required": place == "path",
        "description": parameter.description,
        "schema": msgspec.json.schema(parameter.schema),
    }
    if parameter.example is not None:
        found["example"] = parameter.example
    return found


def _refusals(route: Route) -> tuple[int, ...]:
    """What those are answered who may not do it."""
    if route.access == "open":
        return ()
    return (401, 403) if route.changes or route.access != "key" else (401,)


def _responses(route: Route, schemas: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    operation, shape = route.operation, route.error
    answer = {} if operation.answer is None else {"schema": schemas[operation.answer]}
    content: dict[str, Any] = dict.fromkeys(operation.content_types, answer)
    if operation.event is not None:
        content |= _stream(operation.framing, schemas[operation.event])
    named = ["x-request-id"] + (["x-luna-ignored"] if operation.body is not None else [])
    responses: dict[str, Any] = {
        "200": {"description": "The answer", "headers": _references(named), "content": content}
    }
    if operation.socket:
        switched = "The connection is a WebSocket from here on"
        responses = {"101": {"description": switched, "headers": _references(["x-request-id"])}}
    for success, meaning in (("202", operation.accepted), ("208", operation.known)):
        if meaning:
            responses[success] = responses["200"] | {"description": meaning}
    more: tuple[int, ...] = (413,) if operation.body is not None else ()
    more += (403, 426) if operation.socket else ()
    for status in sorted({*_ALWAYS, *operation.statuses, *more, *_refusals(route)}):
        name = f"{shape.name}{_FAILURES[status][0]}"
        responses[str(status)] = {"$ref": f"#/components/responses/{name}"}
    return responses


def _stream(framing: Framing, schema: dict[str, Any]) -> dict[str, Any]:
    """Each event or line of a stream, in the way of OpenAPI 3.2's `itemSchema`."""
    if framing == "lines":
        return {"application/x-ndjson": {"schema": schema}}
    data = {"type": "string", "contentMediaType": "application/json", "contentSchema": schema}
    event: dict[str, Any] = {"type": "object", "description": "Each event", "required": ["data"]}
    if framing == "named":
        event["properties"] = {"event": {"type": "string"}, "data": data}
    elif framing == "bare":
        event["properties"] = {"data": data}
    else:
        event["description"] += "; the last one's `data` is `[DONE]`"
        event["properties"] = {"data": {"anyOf": [{"const": "[DONE]"}, data]}}
    return {"text/event-stream": {"schema": event}}


def _failure(status: int, shape: ErrorShape, schemas: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    _, description, error = _FAILURES[status]
    named = ["x-request-id"] + (["Retry-After"] if status in (429, 503) else [])
    named += ["WWW-Authenticate"] if status == 401 else []
    body = shape.render(error, "req_5f0c").body
    assert isinstance(body, bytes)
    kinds = [shape.body]
    if status == 400 and shape.body != OPENAI.body:
        kinds.append(OPENAI.body)  # a request that is refused before its path is looked at
    schema = {"anyOf": [schemas[kind] for kind in kinds]} if kinds[1:] else schemas[kinds[0]]
    content = {"schema": schema, "example": msgspec.json.decode(body)}
    return {
        "description": description,
        "headers": _references(named),
        "content": {"application/json": content},
    }


def _headers() -> dict[str, Any]:
    return {
        "x-request-id": {
            "description": "Names this request in the log: the id that you sent in the header of "
            "the same name, if it is 1 to 64 letters, digits, dots, dashes or underscores, else "
            "a new one",
            "schema": {"type": "string"},
        },
        "x-luna-ignored": {
            "description": "The fields of your request that had no effect here, with commas",
            "schema": {"type": "string"},
            "example": "user, service_tier",
        },
        "WWW-Authenticate": {
            "description": "How a key is shown",
            "schema": {"type": "string"},
            "example": 'Bearer realm="Luna"',
        },
        "Retry-After": {
            "description": "Seconds to wait before the same request may work",
            "required": True,
            "schema": {"type": "integer", "minimum": 1},
        },
    }


def _references(names: Sequence[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}

"""Tool calls that must happen: llama.cpp lets a model talk before a "required" call, or instead.

So the conversation is rendered by the server's own template, and the continuation is bound to the
JSON of one call, which works with every model, whatever form its own calls have.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from appliance.domain.events import Content, Event, Finish, ToolCallDelta
from appliance.domain.messages import ToolDefinition
from appliance.domain.requests import ChatRequest, Generation
from appliance.domain.sampling import Sampling
from appliance.engines.llamacpp import chunks, gbnf, guided, payload
from appliance.errors import EngineError

if TYPE_CHECKING:
    from appliance.engines.schema_fit import SchemaFit

_BOUNDS = ("grammar", "json_schema")  # the call's own schema takes their place


class _Call(msgspec.Struct, frozen=True):
    name: str
    arguments: msgspec.Raw


def wanted(request: ChatRequest) -> bool:
    """Whether the answer must be a tool call."""
    return request.tool_choice.mode == "required"


def template_body(request: ChatRequest) -> dict[str, Any]:
    """The body for /apply-template."""
    body = payload.chat(request, Sampling())
    kept = ("messages", "tools", "chat_template_kwargs")
    return {key: body[key] for key in kept if key in body}


def completion_body(
    prompt: str, request: ChatRequest, defaults: Sampling, grammar: str = ""
) -> dict[str, Any]:
    """The body for /completion; without a `grammar` a JSON schema of all calls takes its place."""
    wanted = request.generation
    options = {key: value for key, value in wanted.options.items() if key not in _BOUNDS}
    generation: Generation = replace(wanted, stop=(), logprobs=None, options=options)
    body = payload.text(generation, defaults) | {"prompt": prompt}
    if grammar:
        return body | {"grammar": grammar}
    return body | {"json_schema": gbnf.plain(calls_schema(request.offered))}


def events(stream: Iterable[bytes], fits: Mapping[str, SchemaFit] | None = None) -> Iterator[Event]:
    """The events of the continuation, its JSON turned into a call when it is whole.

    An answer that was cut by its length has no whole JSON, and so no call: its text is told.
    `fits` check the arguments of the tools by their names: raises EngineError for a call of another
    tool, or with arguments that do not fit.
    """
    text = ""
    for event in chunks.completion_events(stream):
        if isinstance(event, Content):
            text += event.text
        elif isinstance(event, Finish):
            call = _parse(text)
            if call is None:
                yield Content(text)
                yield event
            else:
                arguments = bytes(call.arguments).decode()
                if fits is not None:
                    _check(call.name, arguments, fits)
                id = f"call_{secrets.token_hex(12)}"
                yield ToolCallDelta(0, arguments, id, call.name)
                yield replace(event, reason="tool_calls")
        else:
            yield event


def fits_of(request: ChatRequest) -> dict[str, SchemaFit]:
    """What tells, by the name of a tool, whether arguments fit it; raises BadRequest."""
    from appliance.engines.schema_fit import SchemaFit  # late, as in `guided`

    return {tool.name: SchemaFit(dict(tool.schema), "tools") for tool in request.offered}


def calls_schema(tools: Sequence[ToolDefinition]) -> dict[str, Any]:
    """The JSON schema of a call of one of these tools."""
    names = [f"call_{number}" for number in range(len(tools))]
    return {
        "anyOf": [_call_schema(tool, f"#/$defs/{n}") for n, tool in zip(names, tools, strict=True)],
        "$defs": {
            n: _moved(tool.schema, f"#/$defs/{n}") for n, tool in zip(names, tools, strict=True)
        },
    }


def _call_schema(tool: ToolDefinition, arguments: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"name": {"const": tool.name}, "arguments": {"$ref": arguments}},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def _moved(schema: Any, place: str) -> Any:
    """The same schema where it stands at `place` of another, to which its references lead then."""
    if isinstance(schema, Mapping):
        return {
            key: f"{place}{value[1:]}"
            if key == "$ref" and isinstance(value, str) and value.startswith("#")
            else _moved(value, place)
            for key, value in schema.items()
        }
    return [_moved(each, place) for each in schema] if isinstance(schema, list) else schema


def _check(name: str, arguments: str, fits: Mapping[str, SchemaFit]) -> None:
    if name not in fits:
        raise EngineError(
            f"The engine called {name[:64]!r}, which is none of the tools; try again."
        )
    guided.check(arguments, fits[name])


def _parse(text: str) -> _Call | None:
    try:
        return msgspec.json.decode(text, type=_Call)
    except (msgspec.MsgspecError, UnicodeEncodeError):
        return None

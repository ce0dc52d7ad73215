"""Grammars of llguidance for answers that are JSON and for calls that must happen.

Their language is that of its documents (docs/syntax.md of llguidance).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from appliance.domain.events import Content, Event, Finish
from appliance.domain.messages import ToolDefinition
from appliance.domain.requests import ChatRequest, CompletionRequest, ResponseFormat
from appliance.engines.llamacpp.schema import bindable
from appliance.errors import EngineError

if TYPE_CHECKING:
    from appliance.engines.schema_fit import SchemaFit

_HEAD = "%llguidance {}\n"
_ANY_OBJECT = {"type": "object"}
_OPEN, _CLOSE = "<think>", "</think>"
# Templates of models that think in other ways, which their answer must begin with.
_OTHER_THOUGHTS = re.compile(r"<\|channel\|>|\[THINK\]|<seed:think>|<\|START_THINKING\|>")


def knows(template: str) -> bool:
    """Whether it is known how answers of a model with this chat template begin."""
    return _OTHER_THOUGHTS.search(template) is None


def thinks(template: str) -> bool:
    """Whether answers under this chat template may begin with a thought."""
    return _CLOSE in template


def answer(wanted: ResponseFormat, prompt: str = "", *, thinking: bool = False) -> str:
    """The grammar of an answer to `prompt`; a model that is `thinking` may think before it.

    Raises Unsupported for a schema that no answer can be bound to.
    """
    schema = _ANY_OBJECT if wanted.kind == "json_object" else wanted.schema or {}
    rules = [_start(prompt.rstrip() if thinking else _CLOSE), f"json: %json {bindable(schema)}"]
    if thinking:
        rules += [f"thought[suffix={_quoted(_CLOSE)}]: /(.|\\n)*/", r"gap: /\s{0,8}/"]
    return _HEAD + "\n".join(rules)


def lifted(request: ChatRequest) -> ChatRequest:
    """A schema among llama.cpp's settings is the form of the answer, unless there is another."""
    generation, schema = request.generation, request.generation.options.get("json_schema")
    if schema is None or request.response_format.kind != "text":
        return request
    options = {key: value for key, value in generation.options.items() if key != "json_schema"}
    wanted = ResponseFormat("json_schema", schema)
    return replace(request, generation=replace(generation, options=options), response_format=wanted)


def translated(request: CompletionRequest) -> CompletionRequest:
    """A schema among llama.cpp's settings as a grammar, unless there is one; raises Unsupported."""
    generation = request.generation
    options = dict(generation.options)
    schema = options.pop("json_schema", None)
    if schema is None or "grammar" in options:
        return request
    options["grammar"] = answer(ResponseFormat("json_schema", schema))
    return replace(request, generation=replace(generation, options=options))


def checked(
    request: ChatRequest, events: Iterator[Event], fit: SchemaFit | None = None
) -> Iterator[Event]:
    """The events of an answer that is bound to JSON; raises EngineError if it is none in the end.

    With our grammar that does not happen, unless it was more than the engine could bear. Those that
    llama.cpp makes leave out what they cannot say: there `fit` looks at the whole answer.
    """
    cut = bool(request.generation.stop) or request.reasoning_in_content
    said: list[str] = []
    for event in events:
        if isinstance(event, Content):
            said.append(event.text)
        elif isinstance(event, Finish) and event.reason == "stop" and not cut:
            check("".join(said), fit)
        yield event


def fit_of(request: ChatRequest) -> SchemaFit | None:
    """What tells whether an answer fits the schema of a request; raises BadRequest."""
    # Here, not above: most requests have no schema, and the library takes memory.
    from appliance.engines.schema_fit import SchemaFit

    wanted = request.response_format
    return SchemaFit(dict(wanted.schema or {})) if wanted.kind == "json_schema" else None


def check(text: str, fit: SchemaFit | None = None) -> None:
    """Raise EngineError for a text that is no JSON, or does not fit."""
    try:
        value = msgspec.json.decode(text, type=Any if fit else msgspec.Raw)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as error:
        raise EngineError(
            "The JSON schema was more than the engine could bind an answer to; make it simpler."
        ) from error
    if fit is not None and (problem := fit.problem(value)):
        raise EngineError(
            f"The engine could not bind its answer to the whole JSON schema ({problem}); make the "
            'schema simpler, or choose the built-in engine: cpu_engine.llama_server = "".'
        )


def call(tools: Sequence[ToolDefinition]) -> str:
    """The grammar of a call of one of these tools; raises Unsupported as `answer`."""
    names = [f"call_{number}" for number in range(len(tools))]
    rules = [f"start: {' | '.join(names)}"]
    for name, tool in zip(names, tools, strict=True):
        begin = f'{{"name": {json.dumps(tool.name)}, "arguments": '
        rules.append(f'{name}: {_quoted(begin)} {name}_arguments "}}"')
        rules.append(f"{name}_arguments: %json {bindable(tool.schema)}")
    return _HEAD + "\n".join(rules)


def _start(end: str) -> str:
    """The first rule, by how the prompt ends: within a thought, after it, or before it."""
    if end.endswith(_OPEN):
        return "start: thought gap json"
    if end.endswith(_CLOSE):
        return "start: json"
    return f"start: ({_quoted(_OPEN)} thought gap)? json"


def _quoted(text: str) -> str:
    return json.dumps(text)

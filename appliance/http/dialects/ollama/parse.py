"""Ollama's bodies as requests of the domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from appliance.domain.messages import Message, Role, ToolCall, ToolDefinition
from appliance.domain.requests import (
    ChatRequest,
    CompletionRequest,
    EmbeddingRequest,
    Generation,
    ResponseFormat,
)
from appliance.domain.sampling import RANDOM_SEED, Sampling
from appliance.errors import BadRequest, Unsupported
from appliance.http.bodies import decode, unknown_fields
from appliance.http.dialects.ollama import context
from appliance.http.dialects.ollama.durations import keep_alive
from appliance.http.dialects.ollama.requests import (
    Format,
    OllamaChatBody,
    OllamaEmbedBody,
    OllamaEmbeddingsBody,
    OllamaGenerateBody,
    OllamaGenerating,
    OllamaMessage,
    OllamaNameBody,
    OllamaOptions,
    OllamaTool,
)


class _Sent(msgspec.Struct, frozen=True):
    options: dict[str, msgspec.Raw] | None = None


def chat(body: OllamaChatBody) -> ChatRequest:
    """A chat request; raises BadRequest."""
    return ChatRequest(
        generation=generation(body),
        messages=messages(body.messages or ()),
        tools=tuple(_tool(each) for each in body.tools or ()),
        response_format=_format(body.format),
        thinking=_thinking(body),
    )


def generate(body: OllamaGenerateBody) -> ChatRequest | CompletionRequest:
    """A chat of one more turn, or a plain continuation where the body is `raw` or has a suffix."""
    if body.images:
        raise _no_images("images")
    prompt = body.prompt or ""
    if body.raw or body.suffix:
        if body.format:
            raise Unsupported(
                "'format' needs the model's chat template: leave 'raw' and 'suffix' out, or it.",
                param="format",
            )
        return CompletionRequest(generation(body), prompt, body.suffix or None)
    said = context.decode(body.context or ())
    if body.system:
        own = Message(Role.SYSTEM, body.system)
        said = (own, *(each for each in said if each.role is not Role.SYSTEM))
    return ChatRequest(
        generation=generation(body),
        messages=(*said, Message(Role.USER, prompt)),
        response_format=_format(body.format),
        thinking=_thinking(body),
    )


def embed(body: OllamaEmbedBody) -> EmbeddingRequest:
    """A request for vectors; an empty text asks for none."""
    inputs = (body.input,) if isinstance(body.input, str) else tuple(body.input)
    if len(inputs) > 1 and not all(inputs):
        raise BadRequest("An input must not be empty.", param=f"input[{inputs.index('')}]")
    wanted = _vectors(body, tuple(filter(None, inputs)), body.dimensions or None)
    return replace(wanted, truncate=body.truncate is not False)


def embeddings(body: OllamaEmbeddingsBody) -> EmbeddingRequest:
    """A request for one vector; an empty text asks for none."""
    wanted = _vectors(body, (body.prompt,) if body.prompt else (), None)
    return replace(wanted, truncate=True)


def generation(body: OllamaGenerating) -> Generation:
    """What both share."""
    options = body.options or OllamaOptions()
    stop = (options.stop,) if isinstance(options.stop, str) else tuple(options.stop or ())
    limit = _whole(options.num_predict)
    seed = _whole(options.seed)
    top_k = _whole(options.top_k)
    logprobs = None
    if body.logprobs:
        logprobs = max(1, body.top_logprobs or 0)  # engines may give nothing for 0
    return Generation(
        model=body.model,
        max_tokens=None if limit is None or limit < 0 else limit,
        stop=tuple(text for text in stop if text),
        sampling=Sampling(
            temperature=options.temperature,
            top_p=options.top_p,
            top_k=None if top_k is None else max(0, top_k),
            min_p=options.min_p,
            typical_p=options.typical_p,
            repeat_penalty=options.repeat_penalty or None,
            frequency_penalty=options.frequency_penalty,
            presence_penalty=options.presence_penalty,
            seed=None if seed is None or seed < 0 else seed % RANDOM_SEED,
        ),
        logprobs=logprobs,
        options=_more(options),
        keep_alive=keep_alive(body.keep_alive),
    )


def messages(sent: Sequence[OllamaMessage]) -> tuple[Message, ...]:
    """The turns; calls without an id get one, and tools' answers that of the call they answer."""
    found: list[Message] = []
    waiting: list[ToolCall] = []
    for index, message in enumerate(sent):
        if message.images:
            raise _no_images(f"messages[{index}].images")
        calls = tuple(
            ToolCall(
                each.id or f"call_{index}_{number}",
                each.function.name,
                msgspec.json.encode(each.function.arguments).decode(),
            )
            for number, each in enumerate(message.tool_calls or ())
        )
        waiting += calls
        said = Message(
            role=Role(message.role),
            content=message.content or "",
            reasoning=message.thinking,
            tool_calls=calls,
            tool_call_id=message.tool_call_id,
            name=message.tool_name,
        )
        answered = _answered(message, waiting) if said.role is Role.TOOL else None
        if answered is not None:
            said = replace(said, tool_call_id=answered.id, name=answered.name)
        found.append(said)
    return tuple(found)


def name(body: OllamaNameBody) -> str:
    """The model that is meant; raises BadRequest if none is."""
    if found := body.model or body.name:
        return found
    raise BadRequest("Missing required field 'model'.", param="model")


def ignored(body: bytes, kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """The fields and options that nobody here reads."""
    known = {field.name for field in msgspec.structs.fields(OllamaOptions)}
    sent = decode(body, _Sent).options or {}
    return (
        *unknown_fields(body, kind),
        *(f"options.{option}" for option in sorted(sent) if option not in known),
    )


def _vectors(
    body: OllamaEmbedBody | OllamaEmbeddingsBody, inputs: tuple[str, ...], dimensions: int | None
) -> EmbeddingRequest:
    keep = keep_alive(body.keep_alive)
    return EmbeddingRequest(body.model, inputs, dimensions, keep)


def _answered(message: OllamaMessage, waiting: list[ToolCall]) -> ToolCall | None:
    """The call that a tool's message answers, which waits no longer."""
    for index, call in enumerate(waiting):
        wanted = call.id if message.tool_call_id else call.name
        if (message.tool_call_id or message.tool_name or wanted) == wanted:
            return waiting.pop(index)
    return None


def _tool(tool: OllamaTool) -> ToolDefinition:
    function = tool.function
    return ToolDefinition(function.name, function.description or "", function.parameters)


def _format(wanted: Format | None) -> ResponseFormat:
    if isinstance(wanted, dict):
        return ResponseFormat("json_schema", wanted)
    return ResponseFormat("json_object") if wanted else ResponseFormat()


def _thinking(body: OllamaGenerating) -> bool | None:
    return True if isinstance(body.think, str) else body.think


def _more(options: OllamaOptions) -> Mapping[str, Any]:
    """The settings that only llama.cpp knows, by its names."""
    found = {
        "repeat_last_n": _whole(options.repeat_last_n),
        "mirostat": _whole(options.mirostat),
        "mirostat_tau": options.mirostat_tau,
        "mirostat_eta": options.mirostat_eta,
    }
    return {key: value for key, value in found.items() if value is not None}


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _no_images(path: str) -> Unsupported:
    return Unsupported("This model reads text only: send the message without images.", param=path)

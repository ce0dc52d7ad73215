"""OpenAI's bodies as requests of the domain; what only code can check is checked here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

import msgspec

from appliance.domain.messages import Message, Role, ToolCall, ToolDefinition
from appliance.domain.requests import (
    ChatRequest,
    CompletionRequest,
    EmbeddingRequest,
    Generation,
    Prompt,
    ResponseFormat,
    ToolChoice,
)
from appliance.domain.sampling import RANDOM_SEED, Sampling
from appliance.errors import BadRequest, MissingField, Unsupported, WrongType
from appliance.http.dialects.openai.requests import (
    ChatBody,
    ChatMessage,
    CompletionBody,
    ContentPart,
    EmbeddingBody,
    Inputs,
    MessageToolCall,
    NamedToolChoice,
    ResponseFormatBody,
    SamplingBody,
    Tool,
)
from appliance.http.options import options_of

_ROLES = {"developer": Role.SYSTEM, "function": Role.TOOL}
_MOST_PROMPTS = 64
_MOST_INPUTS = 2048
_TOKEN_ID = re.compile(r"[0-9]{1,9}")


def chat(body: ChatBody, device_tools: Mapping[str, ToolDefinition]) -> ChatRequest:
    """A chat request; `device_tools` are those that the server can run."""
    generation = _generation(body, body.max_completion_tokens)
    if body.logprobs:
        # Engines may give nothing for 0 alternatives; what is too much is cut by the renderer.
        generation = replace(generation, logprobs=max(1, body.top_logprobs or 0))
    elif body.top_logprobs is not None:
        raise BadRequest("'top_logprobs' needs 'logprobs' to be true.", param="top_logprobs")
    tools, ours = _tools(body, device_tools)
    return ChatRequest(
        generation=generation,
        messages=tuple(_message(each, f"messages[{i}]") for i, each in enumerate(body.messages)),
        tools=tools,
        tool_choice=_tool_choice(body, tools),
        parallel_tool_calls=body.parallel_tool_calls is not False,
        response_format=_response_format(body.response_format),
        thinking=_thinking(body),
        reasoning_in_content=body.reasoning_format == "none",
        device_tools=ours,
    )


def completions(body: CompletionBody) -> tuple[CompletionRequest, ...]:
    """A request for each prompt of the body."""
    generation = replace(_generation(body, None), logprobs=body.logprobs)
    found = prompts(body.prompt, "prompt")
    if len(found) * generation.n > _MOST_PROMPTS:
        raise BadRequest(
            f"At most {_MOST_PROMPTS} answers can be asked for at once: {len(found)} prompts with "
            f"n = {generation.n} are too many.",
            param="prompt",
        )
    return tuple(CompletionRequest(generation, prompt, body.suffix) for prompt in found)


def embeddings(body: EmbeddingBody) -> EmbeddingRequest:
    """A request for vectors."""
    inputs = prompts(body.input, "input")
    for index, text in enumerate(inputs):
        if not text:
            raise BadRequest("An input must not be empty.", param=f"input[{index}]")
    return EmbeddingRequest(body.model, inputs, body.dimensions)


def prompts(value: Inputs, name: str) -> tuple[Prompt, ...]:
    """One text, several, the tokens of one, or the tokens of several; a mixture is refused."""
    if isinstance(value, str):
        return (value,)
    kinds = {type(item) for item in value}
    if kinds == {int}:
        return (tuple(cast("list[int]", value)),)
    if len(kinds) > 1:
        raise WrongType(
            f"Invalid type for '{name}': expected only strings, only tokens, or only arrays of "
            "tokens in one array.",
            param=name,
        )
    if len(value) > _MOST_INPUTS:
        raise BadRequest(
            f"'{name}' has {len(value)} items, but at most {_MOST_INPUTS} can be sent at once.",
            param=name,
        )
    return tuple(tuple(item) if isinstance(item, list) else cast("str", item) for item in value)


def _generation(body: SamplingBody, newer_limit: int | None) -> Generation:
    limit = body.max_tokens if newer_limit is None else newer_limit
    stop = (body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ())
    return Generation(
        model=body.model or "",
        max_tokens=None if limit == -1 else limit,
        stop=tuple(text for text in stop if text),
        sampling=Sampling(
            temperature=body.temperature,
            top_p=body.top_p,
            top_k=body.top_k,
            min_p=body.min_p,
            repeat_penalty=body.repeat_penalty,
            frequency_penalty=body.frequency_penalty,
            presence_penalty=body.presence_penalty,
            # llama.cpp takes 32 bits; -1 means a random seed there, and so it does here.
            seed=None if body.seed in (None, -1) else body.seed % RANDOM_SEED,
            logit_bias=_logit_bias(body.logit_bias or {}),
            ignore_eos=bool(body.ignore_eos),
        ),
        n=body.n or 1,
        options=options_of(body),
    )


def _logit_bias(biases: Mapping[str, float]) -> tuple[tuple[int, float], ...]:
    for token in biases:
        if not _TOKEN_ID.fullmatch(token):
            raise BadRequest(
                f"Invalid value for 'logit_bias': '{token}' is not a token id.", param="logit_bias"
            )
    return tuple((int(token), bias) for token, bias in biases.items())


def _message(message: ChatMessage, path: str) -> Message:
    role = _ROLES.get(message.role) or Role(message.role)
    calls = tuple(
        ToolCall(call.id, call.function.name, _arguments(call, f"{path}.tool_calls[{i}]"))
        for i, call in enumerate(message.tool_calls or ())
    )
    if message.content is None and not calls and role is not Role.ASSISTANT:
        raise MissingField(f"Missing required field '{path}.content'.", param=f"{path}.content")
    return Message(
        role=role,
        content=_text(message.content, f"{path}.content"),
        reasoning=message.reasoning_content,
        tool_calls=calls,
        tool_call_id=message.tool_call_id,
        name=message.name,
    )


def _arguments(call: MessageToolCall, path: str) -> str:
    """JSON text; some clients send none at all for a function without parameters."""
    text = call.function.arguments or "{}"
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRequest(
            f"'{path}.function.arguments' must be JSON text: {error}.",
            param=f"{path}.function.arguments",
        ) from error
    return text


def _text(content: str | Sequence[ContentPart] | None, path: str) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    for index, part in enumerate(content):
        if part.type not in ("text", "refusal"):
            raise Unsupported(
                f"'{path}[{index}]' is of type '{part.type}', but this model reads text only.",
                param=f"{path}[{index}].type",
            )
        if part.text is None:
            raise MissingField(
                f"Missing required field '{path}[{index}].text'.", param=f"{path}[{index}].text"
            )
    return "".join(part.text or "" for part in content)


def _tools(
    body: ChatBody, device_tools: Mapping[str, ToolDefinition]
) -> tuple[tuple[ToolDefinition, ...], frozenset[str]]:
    """All tools to offer, and the names of those that the server runs.

    A device tool is asked for by `luna_tools`, or named among the tools without a definition.
    """
    wanted = body.luna_tools
    ours = set(device_tools) if wanted is True else set(wanted or ())
    theirs: dict[str, ToolDefinition] = {}
    for tool in body.tools or ():
        name = tool if isinstance(tool, str) else tool.function.name
        if isinstance(tool, str) or (name in device_tools and _is_bare(tool)):
            ours.add(name)
        else:
            theirs[name] = _definition(tool)
    for name in sorted(ours - set(device_tools)):
        known = ", ".join(sorted(device_tools)) or "none"
        param = "tools" if wanted is True or name not in (wanted or ()) else "luna_tools"
        raise BadRequest(f"There is no device tool '{name}'. These are: {known}.", param=param)
    ours -= set(theirs)
    own = tuple(definition for name, definition in device_tools.items() if name in ours)
    return (*theirs.values(), *own), frozenset(ours)


def _is_bare(tool: Tool) -> bool:
    return tool.function.parameters is None and not tool.function.description


def _definition(tool: Tool) -> ToolDefinition:
    function = tool.function
    return ToolDefinition(
        function.name, function.description or "", function.parameters, bool(function.strict)
    )


def _tool_choice(body: ChatBody, tools: Sequence[ToolDefinition]) -> ToolChoice:
    choice = body.tool_choice
    if choice is None:
        return ToolChoice("auto")
    if isinstance(choice, NamedToolChoice):
        name = choice.function.name
        if name not in {tool.name for tool in tools}:
            raise BadRequest(
                f"'tool_choice' names the tool '{name}', which is not among 'tools'.",
                param="tool_choice",
            )
        return ToolChoice("required", name)
    if choice == "required" and not tools:
        raise BadRequest("'tool_choice' is \"required\", but there are no tools.", param="tools")
    return ToolChoice(choice)


def _response_format(body: ResponseFormatBody | None) -> ResponseFormat:
    if body is None:
        return ResponseFormat()
    if body.type == "json_object" and body.schema is not None:
        return ResponseFormat("json_schema", body.schema)
    if body.type != "json_schema":
        return ResponseFormat(body.type)
    path = "response_format.json_schema"
    if body.json_schema is None:
        raise MissingField(f"Missing required field '{path}'.", param=path)
    if body.json_schema.schema is None:
        raise MissingField(f"Missing required field '{path}.schema'.", param=f"{path}.schema")
    return ResponseFormat("json_schema", body.json_schema.schema)


def _thinking(body: ChatBody) -> bool | None:
    arguments = body.chat_template_kwargs
    if arguments is not None and arguments.enable_thinking is not None:
        return arguments.enable_thinking
    return False if body.reasoning_effort == "none" else None

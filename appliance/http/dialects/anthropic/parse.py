"""Anthropic's bodies as requests of the domain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from appliance.domain.messages import Message, Role, ToolCall, ToolDefinition
from appliance.domain.requests import ChatRequest, Generation, ResponseFormat, ToolChoice
from appliance.domain.sampling import Sampling
from appliance.errors import BadRequest, MissingField, Unsupported
from appliance.http.dialects.anthropic.requests import (
    AnthropicBlock,
    AnthropicBody,
    AnthropicCountBody,
    AnthropicTool,
    AnthropicTurn,
)

_IGNORED_BLOCKS = ("redacted_thinking",)


def chat(body: AnthropicCountBody) -> ChatRequest:
    """A chat request; raises BadRequest."""
    tools = tuple(_tool(each, f"tools[{index}]") for index, each in enumerate(body.tools or ()))
    choice = body.tool_choice
    output = body.output_config
    return ChatRequest(
        generation=_generation(body),
        messages=(*_system(body), *_turns(body.messages)),
        tools=tools,
        tool_choice=_tool_choice(body, tools),
        parallel_tool_calls=not (choice and choice.disable_parallel_tool_use),
        response_format=ResponseFormat("json_schema", output.format.schema)
        if output and output.format
        else ResponseFormat(),
        thinking=_thinking(body),
    )


def _generation(body: AnthropicCountBody) -> Generation:
    if not isinstance(body, AnthropicBody):
        return Generation(body.model)
    return Generation(
        model=body.model,
        max_tokens=body.max_tokens,
        stop=tuple(text for text in body.stop_sequences or () if text),
        sampling=Sampling(temperature=body.temperature, top_p=body.top_p, top_k=body.top_k),
    )


def _thinking(body: AnthropicCountBody) -> bool | None:
    """Thoughts come only if they are asked for; "adaptive" leaves them to the model."""
    if body.thinking is None or body.thinking.type == "disabled":
        return False
    return True if body.thinking.type == "enabled" else None


def _system(body: AnthropicCountBody) -> Iterator[Message]:
    text = "\n\n".join(_texts(body.system or "", "system"))
    if text:
        yield Message(Role.SYSTEM, text)


def _turns(turns: Sequence[AnthropicTurn]) -> Iterator[Message]:
    for index, turn in enumerate(turns):
        path = f"messages[{index}].content"
        if isinstance(turn.content, str):
            yield Message(Role(turn.role), turn.content)
        elif turn.role == "assistant":
            yield _assistant(turn.content, path)
        else:
            yield from _said(Role(turn.role), turn.content, path)


def _assistant(blocks: Sequence[AnthropicBlock], path: str) -> Message:
    text, thoughts, calls = [], [], []
    for index, block in enumerate(blocks):
        where = f"{path}[{index}]"
        if block.type == "text":
            text.append(_required(block.text, f"{where}.text"))
        elif block.type == "thinking":
            thoughts.append(_required(block.thinking, f"{where}.thinking"))
        elif block.type == "tool_use":
            id, name = _required(block.id, f"{where}.id"), _required(block.name, f"{where}.name")
            calls.append(ToolCall(id, name, msgspec.json.encode(block.input or {}).decode()))
        elif block.type not in _IGNORED_BLOCKS:
            raise _unreadable(block, where)
    return Message(
        Role.ASSISTANT, "".join(text), reasoning="".join(thoughts) or None, tool_calls=tuple(calls)
    )


def _said(role: Role, blocks: Sequence[AnthropicBlock], path: str) -> Iterator[Message]:
    """The results of tools as turns of their own, and between them what is said."""
    text: list[str] = []
    for index, block in enumerate(blocks):
        where = f"{path}[{index}]"
        if block.type == "text":
            text.append(_required(block.text, f"{where}.text"))
        elif block.type == "tool_result":
            if text:
                yield Message(role, "\n".join(text))
                text = []
            id = _required(block.tool_use_id, f"{where}.tool_use_id")
            result = "\n".join(_texts(block.content or "", f"{where}.content"))
            yield Message(Role.TOOL, result, tool_call_id=id)
        else:
            raise _unreadable(block, where)
    if text or not blocks:
        yield Message(role, "\n".join(text))


def _texts(content: str | Sequence[AnthropicBlock], path: str) -> Iterator[str]:
    if isinstance(content, str):
        yield content
        return
    for index, block in enumerate(content):
        if block.type != "text":
            raise _unreadable(block, f"{path}[{index}]")
        yield _required(block.text, f"{path}[{index}].text")


def _tool(tool: AnthropicTool, path: str) -> ToolDefinition:
    if tool.type not in (None, "custom"):
        raise Unsupported(
            f"'{path}' is of type '{tool.type}', but only tools that you run yourself can be "
            "offered here.",
            param=f"{path}.type",
        )
    return ToolDefinition(tool.name, tool.description or "", tool.input_schema)


def _tool_choice(body: AnthropicCountBody, tools: Sequence[ToolDefinition]) -> ToolChoice:
    choice = body.tool_choice
    if choice is None or choice.type == "auto":
        return ToolChoice()
    if choice.type == "none":
        return ToolChoice("none")
    names = {tool.name for tool in tools}
    if not names or (choice.type == "tool" and choice.name not in names):
        raise BadRequest("'tool_choice' wants a tool that is not among 'tools'.", param="tools")
    return ToolChoice("required", choice.name if choice.type == "tool" else None)


def _required(value: str | None, path: str) -> str:
    if value is None:
        raise MissingField(f"Missing required field '{path}'.", param=path)
    return value


def _unreadable(block: AnthropicBlock, path: str) -> Unsupported:
    return Unsupported(
        f"'{path}' is of type '{block.type}', but this model reads text only.", param=f"{path}.type"
    )

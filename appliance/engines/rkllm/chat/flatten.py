"""Conversations for a model without tokenizer files or without tools in its template.

The runtime then renders its own template around one text, so the turns before it are told in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from appliance.domain.messages import Message, Role, ToolDefinition
from appliance.engines.messages import tool_json
from appliance.engines.rkllm.chat.toolformats import HERMES

_SPEAKERS = {Role.USER: "User", Role.ASSISTANT: "Assistant", Role.TOOL: "Function"}


def flattened(messages: Sequence[Message]) -> str:
    """The conversation as one text; a question alone is not changed at all."""
    system = [message.content for message in messages if message.role is Role.SYSTEM]
    turns = [message for message in messages if message.role is not Role.SYSTEM]
    if len(turns) == 1 and turns[0].role is Role.USER:
        return "\n\n".join([*system, turns[0].content])
    parts = [*system, "This is a conversation. Write the assistant's next answer only."]
    parts += [f"{_SPEAKERS[turn.role]}: {_said(turn)}" for turn in turns]
    return "\n\n".join([*parts, "Assistant:"])


def with_tools(messages: Sequence[Message], tools: Sequence[ToolDefinition]) -> tuple[Message, ...]:
    """The conversation with the tools told in its system message, for calls as `HERMES` has them.

    The turns that called tools, and their answers, become plain text, which every template takes.
    """
    plain = [_plain(message) for message in messages]
    told = _told(tools)
    if plain and plain[0].role is Role.SYSTEM:
        first = replace(plain[0], content=f"{plain[0].content}\n\n{told}")
        return (first, *plain[1:])
    return (Message(Role.SYSTEM, told), *plain)


def _told(tools: Sequence[ToolDefinition]) -> str:
    lines = [msgspec.json.encode(tool_json(tool)["function"]).decode() for tool in tools]
    return "\n".join(
        [
            "You may call functions. These are the ones that you have, one a line:",
            *lines,
            "To call one, write nothing but:",
            f'{HERMES.opening}{{"name": "its name", "arguments": {{}}}}{HERMES.closing}',
        ]
    )


def _plain(message: Message) -> Message:
    if message.role is Role.TOOL:
        return Message(Role.USER, f"The function answered: {message.content}")
    return replace(message, content=_said(message), tool_calls=())


def _said(message: Message) -> str:
    calls = [
        f'{HERMES.opening}{{"name": "{call.name}", "arguments": {call.arguments}}}{HERMES.closing}'
        for call in message.tool_calls
    ]
    return "\n".join([*filter(None, [message.content]), *calls])

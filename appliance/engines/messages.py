"""Messages and tools as the JSON that llama.cpp's server and models' chat templates both read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from appliance.domain.messages import Message, ToolDefinition


def message_json(message: Message, arguments: Callable[[str], Any] = str) -> dict[str, Any]:
    """The object for one message; `arguments` makes what stands for the JSON text of a call's."""
    body: dict[str, Any] = {"role": str(message.role), "content": message.content}
    if message.reasoning:
        body["reasoning_content"] = message.reasoning
    if message.tool_call_id is not None:
        body["tool_call_id"] = message.tool_call_id
    if message.name is not None:
        body["name"] = message.name
    if message.tool_calls:
        body["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": arguments(call.arguments)},
            }
            for call in message.tool_calls
        ]
    return body


def tool_json(tool: ToolDefinition) -> dict[str, Any]:
    """The object for one tool."""
    function = {"name": tool.name, "description": tool.description, "parameters": tool.schema}
    return {"type": "function", "function": function}

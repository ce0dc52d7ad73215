"""Bodies of the Responses API as requests of the domain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from appliance.domain.messages import Message, Role, ToolCall, ToolDefinition
from appliance.domain.requests import ChatRequest, Generation, ResponseFormat, ToolChoice
from appliance.domain.sampling import Sampling
from appliance.errors import BadRequest, MissingField, Unsupported
from appliance.http.dialects.openai.responses_requests import (
    ResponsesBody,
    ResponsesItem,
    ResponsesPart,
    ResponsesTool,
    ResponsesToolChoice,
)

_TEXTS = ("input_text", "output_text", "text", "reasoning_text", "summary_text")


def chat(body: ResponsesBody, earlier: Sequence[ResponsesItem] = ()) -> ChatRequest:
    """A chat request that goes on from `earlier` items; raises BadRequest."""
    _refuse_what_there_is_not(body)
    tools = tuple(_tool(each, f"tools[{index}]") for index, each in enumerate(body.tools or ()))
    offered, choice = _tool_choice(body, tools)
    return ChatRequest(
        generation=Generation(
            model=body.model or "",
            max_tokens=body.max_output_tokens,
            sampling=Sampling(temperature=body.temperature, top_p=body.top_p),
        ),
        messages=(*_instructions(body), *_turns(body.input, earlier)),
        tools=offered,
        tool_choice=choice,
        parallel_tool_calls=body.parallel_tool_calls is not False,
        response_format=_format(body),
        thinking=False if body.reasoning and body.reasoning.effort == "none" else None,
    )


def _refuse_what_there_is_not(body: ResponsesBody) -> None:
    if body.conversation is not None:
        raise Unsupported(
            "There are no conversations here: go on from a response with 'previous_response_id'.",
            param="conversation",
        )
    if body.background:
        raise Unsupported(
            "Nothing runs in the background here: leave 'background' out, and wait or stream.",
            param="background",
        )


def _instructions(body: ResponsesBody) -> Iterator[Message]:
    if body.instructions:
        yield Message(Role.SYSTEM, body.instructions)


def _turns(
    sent: str | Sequence[ResponsesItem], earlier: Sequence[ResponsesItem]
) -> Iterator[Message]:
    """Items as turns: thoughts, text and calls of the model that follow each other are one."""
    if isinstance(sent, str):
        sent = [ResponsesItem(role="user", content=sent)]
    said: Message | None = None
    names: dict[str, str] = {}
    for index, item in enumerate((*earlier, *sent), start=-len(earlier)):
        message = _message(item, f"input[{index}]")
        if said is not None and (message.role is not Role.ASSISTANT or _follows(said, message)):
            yield said
            said = None
        if message.role is Role.ASSISTANT:
            said = message if said is None else _joined(said, message)
            names |= {call.id: call.name for call in message.tool_calls}
        else:
            yield replace(message, name=names.get(message.tool_call_id or ""))
    if said is not None:
        yield said


def _message(item: ResponsesItem, path: str) -> Message:
    match item.type:
        case "message" | None:
            if item.role is None:
                raise MissingField(f"Missing required field '{path}.role'.", param=f"{path}.role")
            role = Role.SYSTEM if item.role == "developer" else Role(item.role)
            return Message(role, _text(item.content, f"{path}.content"))
        case "function_call":
            id, name = _required(item, "call_id", path), _required(item, "name", path)
            call = ToolCall(id, name, item.arguments or "{}")
            return Message(Role.ASSISTANT, tool_calls=(call,))
        case "function_call_output":
            id = _required(item, "call_id", path)
            return Message(Role.TOOL, _text(item.output, f"{path}.output"), tool_call_id=id)
        case "reasoning":
            thought = _text(item.content or item.summary or "", f"{path}.content")
            return Message(Role.ASSISTANT, reasoning=thought or None)
    raise Unsupported(
        f"'{path}' is of type '{item.type}'; use messages, function calls and their outputs only.",
        param=f"{path}.type",
    )


def _follows(said: Message, message: Message) -> bool:
    """Whether it begins a turn of its own: text after calls, or a thought after either."""
    begun = said.content or said.tool_calls
    if message.reasoning is not None:
        return bool(begun)
    return bool(message.content and said.tool_calls)


def _joined(said: Message, more: Message) -> Message:
    return replace(
        said,
        content=said.content + more.content,
        reasoning="".join(filter(None, (said.reasoning, more.reasoning))) or None,
        tool_calls=said.tool_calls + more.tool_calls,
    )


def _required(item: ResponsesItem, name: str, path: str) -> str:
    value = getattr(item, name)
    if value is None:
        raise MissingField(f"Missing required field '{path}.{name}'.", param=f"{path}.{name}")
    return str(value)


def _text(content: str | Sequence[ResponsesPart] | None, path: str) -> str:
    if content is None:
        raise MissingField(f"Missing required field '{path}'.", param=path)
    if isinstance(content, str):
        return content
    for index, part in enumerate(content):
        if part.type not in (*_TEXTS, "refusal"):
            raise Unsupported(
                f"'{path}[{index}]' is of type '{part.type}', but this model reads text only.",
                param=f"{path}[{index}].type",
            )
    return "".join(part.text or part.refusal or "" for part in content)


def _tool(tool: ResponsesTool, path: str) -> ToolDefinition:
    if tool.type != "function":
        raise Unsupported(
            f"'{path}' is of type '{tool.type}', but only functions that you run yourself can be "
            "offered here.",
            param=f"{path}.type",
        )
    if not tool.name:
        raise MissingField(f"Missing required field '{path}.name'.", param=f"{path}.name")
    return ToolDefinition(tool.name, tool.description or "", tool.parameters, bool(tool.strict))


def _tool_choice(
    body: ResponsesBody, tools: tuple[ToolDefinition, ...]
) -> tuple[tuple[ToolDefinition, ...], ToolChoice]:
    """The tools to offer, and whether one must be called."""
    choice = body.tool_choice
    if choice is None or choice in ("auto", "none"):
        return tools, ToolChoice("none" if choice == "none" else "auto")
    allowed, mode, name = tools, "required", None
    if isinstance(choice, ResponsesToolChoice):
        wanted, mode, name = _allowed(choice)
        allowed = tuple(tool for tool in tools if tool.name in wanted)
        if len(allowed) < len(wanted):
            raise BadRequest(
                "'tool_choice' names a tool that is not among 'tools'.", param="tool_choice"
            )
    if mode == "auto":
        return allowed, ToolChoice()
    if not allowed:
        raise BadRequest("'tool_choice' requires a call, but there are no tools.", param="tools")
    return allowed, ToolChoice("required", name)


def _allowed(choice: ResponsesToolChoice) -> tuple[set[str], str, str | None]:
    """The names of the tools, how they may be used, and the name of the only one."""
    if choice.type == "function" and choice.name:
        return {choice.name}, "required", choice.name
    if choice.type == "allowed_tools":
        names = {tool.name for tool in choice.tools or () if tool.name}
        return names, choice.mode or "auto", None
    raise Unsupported(
        f"'tool_choice' of type '{choice.type}' is not known here; name a function.",
        param="tool_choice",
    )


def _format(body: ResponsesBody) -> ResponseFormat:
    wanted = body.text.format if body.text else None
    if wanted is None or wanted.type == "text":
        return ResponseFormat()
    if wanted.type == "json_object":
        return ResponseFormat("json_object")
    if wanted.schema is None:
        path = "text.format.schema"
        raise MissingField(f"Missing required field '{path}'.", param=path)
    return ResponseFormat("json_schema", wanted.schema)

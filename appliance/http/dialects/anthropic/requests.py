"""The bodies that Anthropic's clients send."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct


class AnthropicBlock(Struct, frozen=True):
    """A part of a turn; its type decides which of the fields it has."""

    type: str
    text: str | None = None
    thinking: str | None = None
    id: str | None = None
    name: str | None = None
    input: dict[str, Any] | None = None
    tool_use_id: str | None = None
    content: str | list[AnthropicBlock] | None = None


class AnthropicTurn(Struct, frozen=True):
    """One turn."""

    role: Literal["user", "assistant", "system"]
    content: str | list[AnthropicBlock]


class AnthropicTool(Struct, frozen=True):
    """A tool that the client runs; there are no tools of other types here."""

    name: Annotated[str, Meta(min_length=1, max_length=128)]
    description: str | None = None
    input_schema: dict[str, Any] | None = None
    type: str | None = None


class AnthropicToolChoice(Struct, frozen=True):
    """Whether tools may, must or must not be called; `name` belongs to "tool"."""

    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class AnthropicThinking(Struct, frozen=True):
    """Whether the model thinks first; how much is its own affair."""

    type: str
    budget_tokens: int | None = None


class AnthropicFormat(Struct, frozen=True):
    """The JSON schema that the answer must fit."""

    schema: dict[str, Any]
    type: Literal["json_schema"] = "json_schema"


class AnthropicOutput(Struct, frozen=True):
    """The form of the answer."""

    format: AnthropicFormat | None = None


class AnthropicCountBody(Struct, frozen=True, kw_only=True):
    """POST /v1/messages/count_tokens."""

    model: str
    messages: Annotated[list[AnthropicTurn], Meta(min_length=1)]
    system: str | list[AnthropicBlock] | None = None
    tools: list[AnthropicTool] | None = None
    tool_choice: AnthropicToolChoice | None = None
    thinking: AnthropicThinking | None = None
    output_config: AnthropicOutput | None = None


class AnthropicBody(AnthropicCountBody, frozen=True, kw_only=True):
    """POST /v1/messages."""

    max_tokens: Annotated[int, Meta(ge=1, lt=2**31)]
    stream: bool | None = None
    stop_sequences: Annotated[list[str], Meta(max_length=16)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_k: Annotated[int, Meta(ge=0, lt=2**31)] | None = None

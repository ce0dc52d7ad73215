"""The bodies and events that Anthropic's clients read; the tags are their `type`."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct


class AnthropicUsage(Struct, frozen=True):
    """Token counts; `input_tokens` are those that were not in the cache."""

    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0


class AnthropicText(Struct, frozen=True, tag_field="type", tag="text"):
    """What the model said."""

    text: str


class AnthropicThought(Struct, frozen=True, tag_field="type", tag="thinking"):
    """What the model thought before; nobody signs it."""

    thinking: str
    signature: str = ""


class AnthropicToolUse(Struct, frozen=True, tag_field="type", tag="tool_use"):
    """A tool call."""

    id: str
    name: str
    input: dict[str, Any]


AnthropicContent = AnthropicText | AnthropicThought | AnthropicToolUse


class AnthropicEnding(Struct, frozen=True):
    """Why an answer ended, and the stop sequence that ended it, if one did."""

    stop_reason: str
    stop_sequence: str | None


class AnthropicMessage(Struct, frozen=True, tag_field="type", tag="message"):
    """An answer; while it is streamed its reason is null."""

    id: str
    model: str
    content: list[AnthropicContent]
    usage: AnthropicUsage
    stop_reason: str | None = None
    stop_sequence: str | None = None
    role: Literal["assistant"] = "assistant"


class AnthropicTokens(Struct, frozen=True):
    """How many tokens a request's prompt has."""

    input_tokens: int


class AnthropicTextDelta(Struct, frozen=True, tag_field="type", tag="text_delta"):
    """More text."""

    text: str


class AnthropicThoughtDelta(Struct, frozen=True, tag_field="type", tag="thinking_delta"):
    """More of a thought."""

    thinking: str


class AnthropicInputDelta(Struct, frozen=True, tag_field="type", tag="input_json_delta"):
    """More of a call's input, as JSON text."""

    partial_json: str


AnthropicDelta = AnthropicTextDelta | AnthropicThoughtDelta | AnthropicInputDelta


class AnthropicMessageStart(Struct, frozen=True, tag_field="type", tag="message_start"):
    """The answer begins, with nothing in it."""

    message: AnthropicMessage


class AnthropicPing(Struct, frozen=True, tag_field="type", tag="ping"):
    """Nothing new, but the connection lives."""


class AnthropicBlockStart(Struct, frozen=True, tag_field="type", tag="content_block_start"):
    """A block begins, with nothing in it."""

    index: int
    content_block: AnthropicContent


class AnthropicBlockDelta(Struct, frozen=True, tag_field="type", tag="content_block_delta"):
    """More of a block."""

    index: int
    delta: AnthropicDelta


class AnthropicBlockStop(Struct, frozen=True, tag_field="type", tag="content_block_stop"):
    """A block is whole."""

    index: int


class AnthropicMessageDelta(Struct, frozen=True, tag_field="type", tag="message_delta"):
    """The answer's end; the usage is that of the whole."""

    delta: AnthropicEnding
    usage: AnthropicUsage


class AnthropicMessageStop(Struct, frozen=True, tag_field="type", tag="message_stop"):
    """Nothing more will come."""


class AnthropicErrorDetail(Struct, frozen=True):
    """What went wrong, in a sentence that says what to do."""

    type: str
    message: str


class AnthropicError(Struct, frozen=True, tag_field="type", tag="error"):
    """Every error of this dialect looks like this, also as an event of a stream."""

    error: AnthropicErrorDetail
    request_id: str


AnthropicEvent = (
    AnthropicMessageStart
    | AnthropicPing
    | AnthropicBlockStart
    | AnthropicBlockDelta
    | AnthropicBlockStop
    | AnthropicMessageDelta
    | AnthropicMessageStop
    | AnthropicError
)

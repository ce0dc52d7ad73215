"""The bodies that clients of the Responses API send."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct


class ResponsesPart(Struct, frozen=True, omit_defaults=True):
    """A part of an item; only text can be read by the engines of this device."""

    type: str
    text: str | None = None
    refusal: str | None = None


class ResponsesItem(Struct, frozen=True, omit_defaults=True):
    """A message, a call, its output, or a thought; its type decides which fields it has."""

    id: str | None = None
    type: str | None = None
    role: Literal["user", "assistant", "system", "developer"] | None = None
    content: str | list[ResponsesPart] | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    output: str | list[ResponsesPart] | None = None
    summary: list[ResponsesPart] | None = None


class ResponsesTool(Struct, frozen=True):
    """A function that the client runs; there are no tools of other types here."""

    type: str
    name: str | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ResponsesNamed(Struct, frozen=True):
    """A tool, by its name."""

    type: str
    name: str | None = None


class ResponsesToolChoice(Struct, frozen=True):
    """One function that must be called, or with "allowed_tools" those that may or must be."""

    type: str
    name: str | None = None
    mode: Literal["auto", "required"] | None = None
    tools: list[ResponsesNamed] | None = None


class ResponsesFormat(Struct, frozen=True):
    """The form of the answer."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    name: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    description: str | None = None


class ResponsesTextSettings(Struct, frozen=True):
    """How the answer is to look."""

    format: ResponsesFormat | None = None


class ResponsesReasoning(Struct, frozen=True):
    """Whether the model thinks first: not with the effort "none"."""

    effort: str | None = None
    summary: str | None = None


class ResponsesBody(Struct, frozen=True, kw_only=True):
    """POST /v1/responses.

    A response is kept unless `store` is false; `previous_response_id` goes on from one that was,
    without its instructions and tools. With `truncation` "auto" a conversation that is too long
    loses its oldest turns.
    """

    input: str | Annotated[list[ResponsesItem], Meta(min_length=1)]
    model: str | None = None
    instructions: str | None = None
    max_output_tokens: Annotated[int, Meta(ge=1, lt=2**31)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    tools: list[ResponsesTool] | None = None
    tool_choice: Literal["none", "auto", "required"] | ResponsesToolChoice | None = None
    parallel_tool_calls: bool | None = None
    text: ResponsesTextSettings | None = None
    reasoning: ResponsesReasoning | None = None
    truncation: Literal["auto", "disabled"] | None = None
    metadata: dict[str, str] | None = None
    stream: bool | None = None
    store: bool | None = None
    previous_response_id: str | None = None
    conversation: Any = None
    background: bool | None = None

"""What clients of the Responses API read; the tags are the `type` of an item or event."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from appliance.http.dialects.openai.responses_requests import ResponsesItem

Status = Literal["in_progress", "completed", "incomplete", "failed"]


class ResponsesOutputText(Struct, frozen=True, tag_field="type", tag="output_text"):
    """A part of a message."""

    text: str
    annotations: list[Any] = []
    logprobs: list[Any] = []


class ResponsesReasoningText(Struct, frozen=True, tag_field="type", tag="reasoning_text"):
    """A part of a thought."""

    text: str


class ResponsesMessage(Struct, frozen=True, tag_field="type", tag="message"):
    """What the model said."""

    id: str
    content: list[ResponsesOutputText]
    status: Status
    role: Literal["assistant"] = "assistant"


class ResponsesThought(Struct, frozen=True, tag_field="type", tag="reasoning"):
    """What the model thought before."""

    id: str
    content: list[ResponsesReasoningText]
    status: Status
    summary: list[Any] = []


class ResponsesCall(Struct, frozen=True, tag_field="type", tag="function_call"):
    """A call of the client's function; `arguments` is JSON text."""

    id: str
    call_id: str
    name: str
    arguments: str
    status: Status


Item = ResponsesMessage | ResponsesThought | ResponsesCall
Part = ResponsesOutputText | ResponsesReasoningText


class ResponsesCached(Struct, frozen=True):
    """How many of the prompt's tokens were not computed again."""

    cached_tokens: int
    cache_write_tokens: int = 0


class ResponsesThoughtTokens(Struct, frozen=True):
    """Always 0: tokens of thoughts are counted with the others."""

    reasoning_tokens: int = 0


class ResponsesUsage(Struct, frozen=True):
    """Token counts."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_tokens_details: ResponsesCached
    output_tokens_details: ResponsesThoughtTokens = ResponsesThoughtTokens()


class ResponsesError(Struct, frozen=True):
    """Why a response failed after it had begun."""

    code: str
    message: str


class ResponsesIncomplete(Struct, frozen=True):
    """Why a response is not complete."""

    reason: Literal["max_output_tokens"] = "max_output_tokens"


class ResponsesAnswer(Struct, frozen=True, kw_only=True):
    """A response; besides its output it repeats what was asked for."""

    id: str
    created_at: float
    model: str
    status: Status
    output: list[Item]
    instructions: str | None
    max_output_tokens: int | None
    metadata: dict[str, str]
    parallel_tool_calls: bool
    reasoning: dict[str, Any]
    temperature: float | None
    text: dict[str, Any]
    tool_choice: Any
    tools: list[Any]
    top_p: float | None
    truncation: str
    completed_at: float | None = None
    error: ResponsesError | None = None
    incomplete_details: ResponsesIncomplete | None = None
    usage: ResponsesUsage | None = None
    background: bool = False
    previous_response_id: str | None = None
    store: bool = False
    object: Literal["response"] = "response"


class ResponsesPage(Struct, frozen=True):
    """Some of the responses that are kept."""

    data: list[ResponsesAnswer]
    first_id: str | None
    last_id: str | None
    has_more: bool
    object: Literal["list"] = "list"


class ResponsesItemPage(Struct, frozen=True):
    """Some of the items that a response answers."""

    data: list[ResponsesItem]
    first_id: str | None
    last_id: str | None
    has_more: bool
    object: Literal["list"] = "list"


class ResponsesDeleted(Struct, frozen=True):
    """A response is gone."""

    id: str
    object: Literal["response"] = "response"
    deleted: bool = True

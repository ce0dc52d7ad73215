"""The events of a streamed response; the tags are their names, and numbers count from 0."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from appliance.http.dialects.openai.responses_answers import Item, Part, ResponsesAnswer


class ResponsesEvent(Struct, frozen=True, kw_only=True):
    """What all of them have."""

    sequence_number: int


class _OfResponse(ResponsesEvent, frozen=True, kw_only=True):
    response: ResponsesAnswer


class _OfItem(ResponsesEvent, frozen=True, kw_only=True):
    output_index: int
    item: Item


class _Within(ResponsesEvent, frozen=True, kw_only=True):
    item_id: str
    output_index: int


class _OfPart(_Within, frozen=True, kw_only=True):
    content_index: int = 0


class ResponsesCreated(_OfResponse, frozen=True, tag_field="type", tag="response.created"):
    """The request is right, and work on it begins."""


class ResponsesInProgress(_OfResponse, frozen=True, tag_field="type", tag="response.in_progress"):
    """The model works on it."""


class ResponsesCompleted(_OfResponse, frozen=True, tag_field="type", tag="response.completed"):
    """The whole response."""


class ResponsesIncompleted(_OfResponse, frozen=True, tag_field="type", tag="response.incomplete"):
    """The response up to its limit."""


class ResponsesFailed(_OfResponse, frozen=True, tag_field="type", tag="response.failed"):
    """The response up to what went wrong."""


class ResponsesItemAdded(_OfItem, frozen=True, tag_field="type", tag="response.output_item.added"):
    """An item begins, with nothing in it."""


class ResponsesItemDone(_OfItem, frozen=True, tag_field="type", tag="response.output_item.done"):
    """An item is whole."""


class ResponsesPartAdded(
    _OfPart, frozen=True, kw_only=True, tag_field="type", tag="response.content_part.added"
):
    """A part of an item begins, with nothing in it."""

    part: Part


class ResponsesPartDone(
    _OfPart, frozen=True, kw_only=True, tag_field="type", tag="response.content_part.done"
):
    """A part of an item is whole."""

    part: Part


class ResponsesTextDelta(
    _OfPart, frozen=True, kw_only=True, tag_field="type", tag="response.output_text.delta"
):
    """More text."""

    delta: str
    logprobs: list[Any] = []


class ResponsesTextDone(
    _OfPart, frozen=True, kw_only=True, tag_field="type", tag="response.output_text.done"
):
    """All text of a part."""

    text: str
    logprobs: list[Any] = []


class ResponsesThoughtDelta(
    _OfPart, frozen=True, kw_only=True, tag_field="type", tag="response.reasoning_text.delta"
):
    """More of a thought."""

    delta: str


class ResponsesThoughtDone(
    _OfPart, frozen=True, kw_only=True, tag_field="type", tag="response.reasoning_text.done"
):
    """All of a thought."""

    text: str


class ResponsesArgumentsDelta(
    _Within,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="response.function_call_arguments.delta",
):
    """More of a call's arguments."""

    delta: str


class ResponsesArgumentsDone(
    _Within,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="response.function_call_arguments.done",
):
    """All arguments of a call."""

    name: str
    arguments: str


AnyEvent = (
    ResponsesCreated
    | ResponsesInProgress
    | ResponsesItemAdded
    | ResponsesPartAdded
    | ResponsesTextDelta
    | ResponsesTextDone
    | ResponsesThoughtDelta
    | ResponsesThoughtDone
    | ResponsesArgumentsDelta
    | ResponsesArgumentsDone
    | ResponsesPartDone
    | ResponsesItemDone
    | ResponsesCompleted
    | ResponsesIncompleted
    | ResponsesFailed
)

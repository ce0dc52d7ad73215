"""The bodies that Browser LLM's clients send."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

Penalty = Annotated[float, Meta(ge=0, le=2)]


class BrowserLlmGenerateBody(Struct, frozen=True, kw_only=True):
    """POST /api/v1/generate, and the payload of the socket's "generate".

    `model` None means the one that was loaded last by this API, else the device's default.
    `json_schema` binds the answer to a JSON schema, `json_mode` to any JSON object.
    """

    prompt: Annotated[str, Meta(min_length=1)]
    max_tokens: Annotated[int, Meta(ge=1, le=4096)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_k: Annotated[int, Meta(ge=1, le=100)] | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    stop: Annotated[list[str], Meta(max_length=16)] | None = None
    stream: bool | None = None
    json_mode: bool | None = None
    json_schema: dict[str, Any] | None = None
    model: str | None = None

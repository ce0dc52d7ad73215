"""The bodies that Ollama's clients send."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

# Clients that keep all their settings as floats send 2048.0: every number may have a fraction.
Whole = Annotated[float, Meta(ge=-(2**52), le=2**52)]  # each of them is a float exactly
Amount = Annotated[float, Meta(ge=-1e6, le=1e6)]
Unit = Annotated[float, Meta(ge=0, le=1)]
Think = bool | Literal["low", "medium", "high", "max"]
Format = Literal["", "json"] | dict[str, Any]
KeepAlive = Annotated[float, Meta(ge=-1e15, le=1e15)] | str


class OllamaOptions(Struct, frozen=True):
    """Settings of the sampler; others are ignored, and named in `x-luna-ignored`."""

    num_predict: Whole | None = None
    temperature: Annotated[float, Meta(ge=0, le=100)] | None = None
    top_k: Whole | None = None
    top_p: Unit | None = None
    min_p: Unit | None = None
    typical_p: Unit | None = None
    repeat_penalty: Annotated[float, Meta(ge=0, le=10)] | None = None
    repeat_last_n: Annotated[float, Meta(ge=-1, lt=2**31)] | None = None
    presence_penalty: Amount | None = None
    frequency_penalty: Amount | None = None
    mirostat: Annotated[float, Meta(ge=0, le=2)] | None = None
    mirostat_tau: Amount | None = None
    mirostat_eta: Amount | None = None
    seed: Whole | None = None
    stop: str | Annotated[list[str], Meta(max_length=16)] | None = None


class OllamaFunctionCall(Struct, frozen=True):
    """A call that the assistant made; `arguments` is an object, not text."""

    name: str
    arguments: dict[str, Any] = {}


class OllamaToolCall(Struct, frozen=True):
    """A tool call in an assistant's message."""

    function: OllamaFunctionCall
    id: str | None = None


class OllamaMessage(Struct, frozen=True):
    """One turn; a tool's answer belongs to the call of `tool_call_id`, else the next one open."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str | None = None
    thinking: str | None = None
    images: list[str] | None = None
    tool_calls: list[OllamaToolCall] | None = None
    tool_name: str | None = None
    tool_call_id: str | None = None


class OllamaFunction(Struct, frozen=True):
    """A function's name, purpose and JSON schema."""

    name: Annotated[str, Meta(min_length=1, max_length=128)]
    description: str | None = None
    parameters: dict[str, Any] | None = None


class OllamaTool(Struct, frozen=True):
    """A tool that the model may call."""

    function: OllamaFunction
    type: Literal["function"] = "function"


class OllamaGenerating(Struct, frozen=True, kw_only=True):
    """What chat and generate share; answers are streamed unless `stream` is false.

    `keep_alive` is how long the model stays in memory after the answer: seconds, or "5m".
    """

    model: str
    stream: bool | None = None
    format: Format | None = None
    keep_alive: KeepAlive | None = None
    think: Think | None = None
    options: OllamaOptions | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None


class OllamaChatBody(OllamaGenerating, frozen=True, kw_only=True):
    """POST /api/chat; without messages the model is loaded, or unloaded if `keep_alive` is 0.

    A conversation that is too long loses its oldest turns, unless `truncate` is false.
    """

    messages: list[OllamaMessage] | None = None
    tools: list[OllamaTool] | None = None
    truncate: bool | None = None


class OllamaGenerateBody(OllamaGenerating, frozen=True, kw_only=True):
    """POST /api/generate; without a prompt the model is loaded or unloaded, as by chat.

    `context` is what an earlier answer gave: the conversation goes on from there.
    """

    prompt: str | None = None
    suffix: str | None = None
    system: str | None = None
    context: list[int] | None = None
    raw: bool | None = None
    images: list[str] | None = None


class OllamaEmbedBody(Struct, frozen=True, kw_only=True):
    """POST /api/embed; an input that is too long is cut, unless `truncate` is false."""

    model: str
    input: str | Annotated[list[str], Meta(max_length=2048)]
    dimensions: Annotated[int, Meta(ge=0, lt=2**31)] | None = None
    truncate: bool | None = None
    keep_alive: KeepAlive | None = None


class OllamaEmbeddingsBody(Struct, frozen=True, kw_only=True):
    """POST /api/embeddings, the older form."""

    model: str
    prompt: str | None = None
    keep_alive: KeepAlive | None = None


class OllamaNameBody(Struct, frozen=True, kw_only=True):
    """The model that is meant; `name` is the older field."""

    model: str | None = None
    name: str | None = None


class OllamaPullBody(OllamaNameBody, frozen=True, kw_only=True):
    """POST /api/pull."""

    stream: bool | None = None


class OllamaCopyBody(Struct, frozen=True):
    """POST /api/copy."""

    source: str
    destination: str

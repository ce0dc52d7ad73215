"""The bodies that OpenAI's clients send, with llama.cpp's and our own additions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from appliance.http.options import Options

Token = Annotated[int, Meta(ge=0, lt=2**31)]
Count = Annotated[int, Meta(ge=-1, lt=2**31)]
Seed = Annotated[int, Meta(ge=-(2**53), le=2**53)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]
Unit = Annotated[float, Meta(ge=0, le=1)]
Tokens = Annotated[list[Token], Meta(min_length=1)]
Inputs = str | Annotated[list[str | Token | Tokens], Meta(min_length=1)]


class ContentPart(Struct, frozen=True):
    """A part of a message; only text can be read by the engines of this device."""

    type: str
    text: str | None = None


class FunctionCall(Struct, frozen=True):
    """A call that the assistant made; `arguments` is JSON text."""

    name: str
    arguments: str = "{}"


class MessageToolCall(Struct, frozen=True):
    """A tool call in an assistant's message."""

    function: FunctionCall
    id: str = ""
    type: str = "function"


class ChatMessage(Struct, frozen=True):
    """One turn."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[ContentPart] | None = None
    name: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[MessageToolCall] | None = None
    tool_call_id: str | None = None


class Function(Struct, frozen=True):
    """A function's name, purpose and JSON schema."""

    name: Annotated[str, Meta(min_length=1, max_length=128)]
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(Struct, frozen=True):
    """A tool that the model may call."""

    function: Function
    type: Literal["function"] = "function"


class FunctionName(Struct, frozen=True):
    """The name of a function."""

    name: str


class NamedToolChoice(Struct, frozen=True):
    """The one tool that must be called."""

    function: FunctionName
    type: Literal["function"] = "function"


class JsonSchema(Struct, frozen=True):
    """The schema that an answer must fit."""

    name: str = "answer"
    schema: dict[str, Any] | None = None
    description: str | None = None
    strict: bool | None = None


class ResponseFormatBody(Struct, frozen=True):
    """The form of the answer; `schema` beside "json_object" is llama.cpp's way."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None
    schema: dict[str, Any] | None = None


class StreamOptions(Struct, frozen=True):
    """What a stream carries beside the answer."""

    include_usage: bool | None = None


class TemplateArguments(Struct, frozen=True):
    """Arguments of the model's chat template."""

    enable_thinking: bool | None = None


class SamplingBody(Options, frozen=True, kw_only=True):
    """What chat and text completion share."""

    model: str | None = None
    max_tokens: Count | None = None
    n: Annotated[int, Meta(ge=1, le=16)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    stop: str | Annotated[list[str], Meta(max_length=16)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Unit | None = None
    top_k: Annotated[int, Meta(ge=0, lt=2**31)] | None = None
    min_p: Unit | None = None
    repeat_penalty: Annotated[float, Meta(gt=0, le=10)] | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    logit_bias: dict[str, Annotated[float, Meta(ge=-100, le=100)]] | None = None
    seed: Seed | None = None
    ignore_eos: bool | None = None


class ChatBody(SamplingBody, frozen=True, kw_only=True):
    """POST /v1/chat/completions.

    `luna_tools` true offers every device tool, a list those that it names; the server runs them.
    `reasoning_format` "none" leaves `<think>` text in the content.
    """

    messages: Annotated[list[ChatMessage], Meta(min_length=1)]
    max_completion_tokens: Count | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    response_format: ResponseFormatBody | None = None
    tools: list[Tool | str] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedToolChoice | None = None
    parallel_tool_calls: bool | None = None
    reasoning_effort: str | None = None
    reasoning_format: Literal["none", "auto", "deepseek"] | None = None
    chat_template_kwargs: TemplateArguments | None = None
    luna_tools: bool | list[str] | None = None


class CompletionBody(SamplingBody, frozen=True, kw_only=True):
    """POST /v1/completions; token ids are of the model's own vocabulary."""

    prompt: Inputs
    suffix: str | None = None
    echo: bool | None = None
    logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None


class EmbeddingBody(Struct, frozen=True, kw_only=True):
    """POST /v1/embeddings; `dimensions` keeps the first ones and normalises again."""

    input: Inputs
    model: str = ""
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Meta(ge=1, lt=2**31)] | None = None

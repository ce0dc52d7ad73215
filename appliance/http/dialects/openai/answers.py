"""The bodies that OpenAI's clients read; the same types write them and document them."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from appliance.http.dialects.llamacpp.answers import TimingsBody


class PromptDetails(Struct, frozen=True):
    """How many of the prompt's tokens were not computed again."""

    cached_tokens: int


class UsageBody(Struct, frozen=True):
    """Token counts."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails


class LogprobBody(Struct, frozen=True):
    """A token and its log probability; `bytes` are those of the token, not of whole characters."""

    token: str
    logprob: float
    bytes: list[int]
    top_logprobs: list[LogprobBody] | UnsetType = UNSET


class ChatLogprobs(Struct, frozen=True):
    """Log probabilities of the content."""

    content: list[LogprobBody]
    refusal: None = None


class CalledFunction(Struct, frozen=True, omit_defaults=True):
    """A function and its arguments as JSON text, or a piece of it."""

    arguments: str | UnsetType = UNSET
    name: str | UnsetType = UNSET


class CalledTool(Struct, frozen=True):
    """A tool call, or in a stream a piece of one."""

    function: CalledFunction
    index: int | UnsetType = UNSET
    id: str | UnsetType = UNSET
    type: Literal["function"] | UnsetType = UNSET


class ChatAnswerMessage(Struct, frozen=True):
    """What the model said."""

    content: str | None
    role: Literal["assistant"] = "assistant"
    refusal: None = None
    reasoning_content: str | UnsetType = UNSET
    tool_calls: list[CalledTool] | UnsetType = UNSET


class ChatChoice(Struct, frozen=True):
    """One answer."""

    index: int
    message: ChatAnswerMessage
    finish_reason: str
    logprobs: ChatLogprobs | None = None


class ChatCompletion(Struct, frozen=True):
    """The whole answer."""

    id: str
    created: int
    model: str
    choices: list[ChatChoice]
    usage: UsageBody
    object: Literal["chat.completion"] = "chat.completion"
    system_fingerprint: str | None = None
    timings: TimingsBody | UnsetType = UNSET


class Delta(Struct, frozen=True):
    """What a chunk adds to its choice."""

    role: Literal["assistant"] | UnsetType = UNSET
    content: str | UnsetType = UNSET
    reasoning_content: str | UnsetType = UNSET
    tool_calls: list[CalledTool] | UnsetType = UNSET


class ChunkChoice(Struct, frozen=True):
    """A choice's part of a chunk."""

    index: int
    delta: Delta
    logprobs: ChatLogprobs | None = None
    finish_reason: str | None = None


class ChatChunk(Struct, frozen=True):
    """One event of a stream."""

    id: str
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: UsageBody | UnsetType | None = UNSET
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    system_fingerprint: str | None = None
    timings: TimingsBody | UnsetType = UNSET


class TextLogprobs(Struct, frozen=True):
    """Log probabilities in the older form; offsets count characters of the text."""

    tokens: list[str]
    token_logprobs: list[float]
    top_logprobs: list[dict[str, float]]
    text_offset: list[int]


class TextChoice(Struct, frozen=True):
    """One continuation, or a piece of it."""

    index: int
    text: str
    logprobs: TextLogprobs | None = None
    finish_reason: str | None = None


class TextCompletion(Struct, frozen=True):
    """The whole continuation, or one event of a stream."""

    id: str
    created: int
    model: str
    choices: list[TextChoice]
    usage: UsageBody | UnsetType | None = UNSET
    object: Literal["text_completion"] = "text_completion"
    system_fingerprint: str | None = None


class EmbeddingRow(Struct, frozen=True):
    """A vector: numbers, or base64 of little-endian 32-bit floats."""

    index: int
    embedding: list[float] | str
    object: Literal["embedding"] = "embedding"


class EmbeddingUsage(Struct, frozen=True):
    """Token counts; `completion_tokens` is 0, for clients that read it."""

    prompt_tokens: int
    total_tokens: int
    completion_tokens: int = 0


class Embeddings(Struct, frozen=True):
    """All vectors, in the order of the inputs."""

    data: list[EmbeddingRow]
    model: str
    usage: EmbeddingUsage
    object: Literal["list"] = "list"


class ModelStatus(Struct, frozen=True):
    """Where a model stands: loaded, loading, unloaded or failed, and why it failed."""

    value: str
    reason: str | UnsetType = UNSET


class ModelRow(Struct, frozen=True):
    """A model; sizes are in bytes, the context in tokens."""

    id: str
    created: int
    status: ModelStatus
    object: Literal["model"] = "model"
    owned_by: str = "luna"
    aliases: list[str] = []
    meta: dict[str, Any] = {}


class ModelList(Struct, frozen=True):
    """All models, the default one first."""

    data: list[ModelRow]
    object: Literal["list"] = "list"


class ErrorDetail(Struct, frozen=True):
    """What went wrong, in a sentence that says what to do."""

    message: str
    type: str
    param: str | None
    code: str


class ErrorBody(Struct, frozen=True):
    """Every error looks like this."""

    error: ErrorDetail

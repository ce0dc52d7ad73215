"""The bodies that Ollama's clients read; times are RFC 3339, durations nanoseconds."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType


class OllamaLogprob(Struct, frozen=True):
    """A token and its log probability."""

    token: str
    logprob: float
    bytes: list[int]
    top_logprobs: list[OllamaLogprob] | UnsetType = UNSET


class OllamaCalledFunction(Struct, frozen=True):
    """A function and its arguments, as an object."""

    index: int
    name: str
    arguments: dict[str, Any]


class OllamaCalledTool(Struct, frozen=True):
    """A tool call, always whole."""

    id: str
    function: OllamaCalledFunction


class OllamaAnswerMessage(Struct, frozen=True):
    """What the model said, or a piece of it."""

    content: str
    role: str = "assistant"
    thinking: str | UnsetType = UNSET
    tool_calls: list[OllamaCalledTool] | UnsetType = UNSET


class OllamaAnswer(Struct, frozen=True, kw_only=True):
    """An answer or a line of it; counts and durations come with the last one, which is `done`.

    `load_duration` is all the time that was neither prefill nor generation.
    """

    model: str
    created_at: str
    done: bool
    done_reason: str | UnsetType = UNSET
    total_duration: int | UnsetType = UNSET
    load_duration: int | UnsetType = UNSET
    prompt_eval_count: int | UnsetType = UNSET
    prompt_eval_duration: int | UnsetType = UNSET
    eval_count: int | UnsetType = UNSET
    eval_duration: int | UnsetType = UNSET
    logprobs: list[OllamaLogprob] | UnsetType = UNSET


class OllamaChatAnswer(OllamaAnswer, frozen=True, kw_only=True):
    """POST /api/chat."""

    message: OllamaAnswerMessage


class OllamaGenerateAnswer(OllamaAnswer, frozen=True, kw_only=True):
    """POST /api/generate; `context` is opaque, for the next request to go on from here."""

    response: str
    thinking: str | UnsetType = UNSET
    context: list[int] | UnsetType = UNSET


class OllamaEmbeddings(Struct, frozen=True):
    """A vector of length one for each input."""

    model: str
    embeddings: list[list[float]]
    total_duration: int
    load_duration: int
    prompt_eval_count: int


class OllamaEmbedding(Struct, frozen=True):
    """One vector."""

    embedding: list[float]


class OllamaDetails(Struct, frozen=True):
    """What kind of model it is."""

    format: str
    family: str
    families: list[str]
    parameter_size: str
    quantization_level: str
    parent_model: str = ""


class OllamaTag(Struct, frozen=True):
    """A model; the digest changes when its file does."""

    name: str
    model: str
    modified_at: str
    size: int
    digest: str
    details: OllamaDetails


class OllamaTags(Struct, frozen=True):
    """All models that can be used, the default one first."""

    models: list[OllamaTag]


class OllamaRunning(Struct, frozen=True):
    """A model in memory; one that stays until room is needed expires in a hundred years."""

    name: str
    model: str
    size: int
    digest: str
    details: OllamaDetails
    expires_at: str
    context_length: int
    size_vram: int = 0


class OllamaProcesses(Struct, frozen=True):
    """All models in memory."""

    models: list[OllamaRunning]


class OllamaShown(Struct, frozen=True):
    """Everything about a model; the template is Jinja."""

    modelfile: str
    template: str
    details: OllamaDetails
    model_info: dict[str, Any]
    capabilities: list[str]
    modified_at: str
    parameters: str | UnsetType = UNSET
    license: str | UnsetType = UNSET


class OllamaStatus(Struct, frozen=True):
    """How far a pull is; the last line is "success". Counts are bytes of all files together."""

    status: str
    digest: str | UnsetType = UNSET
    total: int | UnsetType = UNSET
    completed: int | UnsetType = UNSET


class OllamaVersion(Struct, frozen=True):
    """The version of Ollama whose API this is."""

    version: str

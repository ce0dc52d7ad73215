"""The bodies that Browser LLM's clients are answered with."""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

from msgspec import UNSET, Struct, UnsetType

Data = TypeVar("Data")
FinishReason = Literal["stop", "length", "error"]
Code = Literal[
    "MODEL_NOT_LOADED",
    "MODEL_LOAD_FAILED",
    "VALIDATION_ERROR",
    "INFERENCE_ERROR",
    "WEBGPU_ERROR",
    "STORAGE_ERROR",
    "RATE_LIMIT",
    "INTERNAL_ERROR",
]


class BrowserLlmMetadata(Struct, frozen=True):
    """What the log knows the request by, when it was answered (Unix seconds), and by what."""

    requestId: str
    timestamp: int
    version: str


class BrowserLlmSuccess(Struct, Generic[Data], frozen=True, kw_only=True):
    """The frame of every answer."""

    success: bool = True
    data: Data
    metadata: BrowserLlmMetadata


class BrowserLlmDetails(Struct, frozen=True):
    """Luna's own, finer name of the error, and the field of the request that it is about."""

    code: str
    param: str | None


class BrowserLlmErrorDetail(Struct, frozen=True):
    """What went wrong, and what to do about it."""

    code: Code
    message: str
    details: BrowserLlmDetails


class BrowserLlmFailure(Struct, frozen=True, kw_only=True):
    """The frame of every error."""

    success: bool = False
    error: BrowserLlmErrorDetail
    metadata: BrowserLlmMetadata


class BrowserLlmUsage(Struct, frozen=True):
    """Tokens."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class BrowserLlmSpeed(Struct, frozen=True):
    """Speed of generating; milliseconds until the first token, and in all."""

    tokens_per_second: float
    latency_ms: float
    total_time_ms: float


class BrowserLlmGenerated(Struct, frozen=True):
    """A whole answer."""

    text: str
    tokens: int
    finish_reason: FinishReason
    usage: BrowserLlmUsage
    performance: BrowserLlmSpeed


class BrowserLlmChunkData(Struct, frozen=True, kw_only=True):
    """A piece of text, the whole answer at its end, or the sentence and the code of an error."""

    token: str | UnsetType = UNSET
    completion: BrowserLlmGenerated | UnsetType = UNSET
    error: str | UnsetType = UNSET
    code: Code | UnsetType = UNSET


class BrowserLlmChunk(Struct, frozen=True):
    """An event of a stream, which ends with "done" or "error"."""

    type: Literal["token", "done", "error"]
    data: BrowserLlmChunkData

"""What goes to the Browser LLM API and comes back: the `data` of its envelopes, as it is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict


class GenerateOptions(TypedDict, total=False):
    """Settings of a generation beside its prompt, length and temperature.

    Without `model` the one answers that was loaded last by this API, or else the device's default.
    """

    model: str
    top_p: float
    top_k: int
    frequency_penalty: float
    presence_penalty: float
    stop: Sequence[str]
    json_mode: bool
    json_schema: Mapping[str, Any]


class Usage(TypedDict):
    """Token counts."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Speed(TypedDict):
    """How fast a generation was; `latency_ms` is the time to its first token."""

    tokens_per_second: float
    latency_ms: float
    total_time_ms: float


class GenerateResponse(TypedDict):
    """A whole generation."""

    text: str
    tokens: int
    finish_reason: Literal["stop", "length", "error"]
    usage: Usage
    performance: Speed


class Model(TypedDict):
    """A model in the list."""

    id: str
    name: str
    size: str
    vram_required: str
    downloaded: bool
    speed_tier: str
    quality_tier: str
    capabilities: list[str]


class ModelsResponse(TypedDict):
    """All models."""

    models: list[Model]


class Parameters(TypedDict):
    """How large a model is."""

    total: str
    quantization: str


class Averages(TypedDict):
    """What was measured on the device; 0 where nothing was yet."""

    avg_tokens_per_second: float
    avg_latency_ms: float


class ModelDetailsResponse(Model):
    """One model."""

    description: str
    download_progress: NotRequired[float]
    parameters: Parameters
    performance: Averages


class LoadModelResponse(TypedDict):
    """How far the load of a model is."""

    model_id: str
    status: Literal["loaded", "loading", "error"]
    progress: NotRequired[float]
    estimated_time_ms: NotRequired[float]


class LoadedModel(TypedDict):
    """The model that answers, and whether it is in memory."""

    id: str
    loaded: bool


class StatusResponse(TypedDict):
    """State and health of the device; the blocks may hold more than the document names."""

    status: Literal["ready", "loading", "error", "idle"]
    model: LoadedModel | None
    system: dict[str, Any]
    performance: dict[str, Any]
    health: dict[str, Any]


class LogEntry(TypedDict):
    """A line of the device's log; `timestamp` is in Unix time."""

    level: str
    service: str
    message: str
    timestamp: float
    data: NotRequired[Any]
    stack: NotRequired[str]


class LogsResponse(TypedDict):
    """Lines of the log."""

    logs: list[LogEntry]


class ProfileResponse(TypedDict):
    """Measured series with their averages and percentiles."""

    metrics: list[dict[str, Any]]

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


class BrowserLlmModel(Struct, frozen=True, kw_only=True):
    """A model: the size of its file, and the memory that it needs while it works.

    The speed is judged by what was measured here, before its first run by its size; so is the
    quality always.
    """

    id: str
    name: str
    size: str
    vram_required: str
    downloaded: bool = True
    speed_tier: Literal["fast", "medium", "slow"]
    quality_tier: Literal["excellent", "good", "basic"]
    capabilities: list[str]


class BrowserLlmModels(Struct, frozen=True):
    """All models that can be used, the default one first."""

    models: list[BrowserLlmModel]


class BrowserLlmParameters(Struct, frozen=True):
    """The number of weights, such as "3.8B", and how they are stored."""

    total: str
    quantization: str


class BrowserLlmAverages(Struct, frozen=True):
    """Means over all runs since the start, of every API; 0 before the first one."""

    avg_tokens_per_second: float
    avg_latency_ms: float


class BrowserLlmModelDetails(BrowserLlmModel, frozen=True, kw_only=True):
    """Everything about a model; the progress of one that is not here yet is in percent."""

    description: str
    download_progress: float | UnsetType = UNSET
    parameters: BrowserLlmParameters
    performance: BrowserLlmAverages


class BrowserLlmLoading(Struct, frozen=True):
    """How far a model is: percent of it in memory, and milliseconds to go, once that is known."""

    model_id: str
    status: Literal["loaded", "loading", "error"]
    progress: int
    estimated_time_ms: int | UnsetType = UNSET


class BrowserLlmCurrent(Struct, frozen=True):
    """The model that answers who names none."""

    id: str
    loaded: bool


class BrowserLlmNpu(Struct, frozen=True):
    """The NPU: busy percent of each core and its driver, or why there is none to use."""

    available: bool
    cores_percent: list[float]
    driver: str | None
    reason: str | None


class BrowserLlmSystem(Struct, frozen=True, kw_only=True):
    """Gigabytes (10^9 bytes). The quota is what models have and may still have on the disk.

    There is no WebGPU here; a graphics processor that shares the machine's memory has none.
    """

    webgpu_available: bool = False
    ram_gb: float
    gpu_vram_gb: float
    storage_quota_gb: float
    storage_used_gb: float
    npu: BrowserLlmNpu


class BrowserLlmPerformance(BrowserLlmAverages, frozen=True):
    """Requests since the start, of every API; who went away in the middle is in the total only."""

    requests_total: int
    requests_success: int
    requests_error: int


class BrowserLlmHealth(Struct, frozen=True, kw_only=True):
    """What went wrong: programs that the system killed since its start as memory ran out, and
    engines that had to be started again. The score is the percentage of requests without an error.
    """

    webgpu_context_losses: int = 0
    memory_errors: int
    stability_score: float
    engine_restarts: int


class BrowserLlmStatus(Struct, frozen=True):
    """State and health."""

    status: Literal["ready", "loading", "error", "idle"]
    model: BrowserLlmCurrent | None
    system: BrowserLlmSystem
    performance: BrowserLlmPerformance
    health: BrowserLlmHealth


class BrowserLlmLog(Struct, frozen=True):
    """A line of the log; `timestamp` is in Unix seconds."""

    level: Literal["debug", "info", "warn", "error"]
    service: str
    message: str
    timestamp: float
    stack: str | UnsetType = UNSET


class BrowserLlmLogs(Struct, frozen=True):
    """The newest lines that were asked for, the oldest of them first."""

    logs: list[BrowserLlmLog]


class BrowserLlmValue(Struct, frozen=True):
    """One figure of one request."""

    value: float
    timestamp: float
    tags: dict[str, str]


class BrowserLlmAggregations(Struct, frozen=True):
    """The spread of the values; percentiles are values that occurred."""

    avg: float
    min: float
    max: float
    p50: float
    p95: float
    p99: float


class BrowserLlmMetric(Struct, frozen=True):
    """A series of figures, the oldest first."""

    name: str
    values: list[BrowserLlmValue]
    aggregations: BrowserLlmAggregations


class BrowserLlmProfile(Struct, frozen=True):
    """Every series that has values in the range of time."""

    metrics: list[BrowserLlmMetric]

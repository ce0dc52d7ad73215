"""The handler of Browser LLM's API that tells how the device is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from appliance.errors import ModelNotFound, ReadingUnavailable
from appliance.http.dialects.browserllm import answers, describe, frame
from appliance.http.dialects.browserllm.choice import Choice
from appliance.http.exchange import Reply, Request, json_reply
from appliance.models.registry import Registry
from appliance.observe.profile import Profile
from appliance.serving.loads import model_loads
from appliance.serving.pool import Pool
from appliance.system.disk import Disk
from appliance.system.gpu import Gpu
from appliance.system.memory import Memory
from appliance.system.npu import NpuReading

_GB = 1e9
_T = TypeVar("_T")
State = Literal["ready", "loading", "error", "idle"]
_STATES: dict[str, State] = {"loaded": "ready", "loading": "loading", "failed": "error"}


@dataclass(frozen=True, slots=True)
class Readings:
    """Where the figures come from; each may raise ReadingUnavailable, and is then zero."""

    memory: Callable[[], Memory]
    memory_errors: Callable[[], int]
    disk: Callable[[], Disk]
    gpus: Callable[[], Sequence[Gpu]]
    npu: Callable[[], NpuReading]


class Status:
    """`clock` gives Unix seconds."""

    def __init__(
        self,
        registry: Registry,
        pool: Pool,
        choice: Choice,
        profile: Profile,
        readings: Readings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._registry = registry
        self._pool = pool
        self._choice = choice
        self._profile = profile
        self._readings = readings
        self._clock = clock

    def status(self, request: Request) -> Reply:
        """GET /api/v1/status."""
        state, model = self._current()
        told = answers.BrowserLlmStatus(
            status=state,
            model=model,
            system=self._system(),
            performance=self._performance(),
            health=self._health(),
        )
        return json_reply(frame.success(told, request.caller.request_id, self._clock()))

    def _current(self) -> tuple[State, answers.BrowserLlmCurrent | None]:
        """The state of the model that answers who names none."""
        try:
            entry = self._registry.resolve(self._choice.name())
        except ModelNotFound:
            return "idle", None
        states = {each.entry.id: each.engine.state for each in self._pool.loaded()}
        state = _STATES.get(states.get(entry.id, ""), "idle")
        return state, answers.BrowserLlmCurrent(entry.id, state == "ready")

    def _system(self) -> answers.BrowserLlmSystem:
        memory = _read(self._readings.memory, Memory(0, 0))
        disk = _read(self._readings.disk, Disk(0, 0))
        entries = self._registry.entries()
        used = sum(entry.size_bytes for entry in entries if not entry.bundled)
        return answers.BrowserLlmSystem(
            ram_gb=round(memory.total_bytes / _GB, 2),
            gpu_vram_gb=round(sum(g.total_bytes or 0 for g in self._readings.gpus()) / _GB, 2),
            storage_quota_gb=round((used + disk.free_bytes) / _GB, 2),
            storage_used_gb=round(used / _GB, 2),
            npu=self._npu(),
        )

    def _npu(self) -> answers.BrowserLlmNpu:
        try:
            reading = self._readings.npu()
        except ReadingUnavailable as error:
            return answers.BrowserLlmNpu(False, [], None, error.message)
        cores = list(reading.cores_percent)
        return answers.BrowserLlmNpu(True, cores, reading.driver_version, None)

    def _performance(self) -> answers.BrowserLlmPerformance:
        measured = describe.averages(self._profile.averages())
        outcomes = self._profile.outcomes()
        return answers.BrowserLlmPerformance(
            measured.avg_tokens_per_second,
            measured.avg_latency_ms,
            requests_total=outcomes.total,
            requests_success=outcomes.succeeded,
            requests_error=outcomes.failed,
        )

    def _health(self) -> answers.BrowserLlmHealth:
        outcomes = self._profile.outcomes()
        judged = outcomes.succeeded + outcomes.failed
        score = 100 * outcomes.succeeded / judged if judged else 100.0
        return answers.BrowserLlmHealth(
            memory_errors=_read(self._readings.memory_errors, 0),
            stability_score=round(score, 1),
            engine_restarts=sum(load.restarts for load in model_loads(self._pool)),
        )


def _read(reading: Callable[[], _T], otherwise: _T) -> _T:
    try:
        return reading()
    except ReadingUnavailable:
        return otherwise

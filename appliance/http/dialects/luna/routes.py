"""The routes of the appliance itself (shapes of its first API document)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET, Struct, UnsetType, to_builtins
from msgspec.structs import replace

from appliance import __version__
from appliance.domain.events import Timings
from appliance.errors import ModelLoading, QueueFull
from appliance.http.dialects.llamacpp.errors import LLAMACPP, error_body
from appliance.http.dialects.llamacpp.slots import slot_body, states
from appliance.http.dialects.luna.incidents import WatchdogReport
from appliance.http.dialects.ollama import greeting as ollama
from appliance.http.errors import error_headers
from appliance.http.exchange import Reply, Request, json_reply
from appliance.http.routes import Access, Operation, Parameter, Route
from appliance.models.registry import Registry
from appliance.observe.runs import Runs
from appliance.serving.pool import Pool
from appliance.system.memory import Memory
from appliance.system.npu import NpuReading


class Recognition(Struct, frozen=True):
    """How the phone app tells a Luna from the other devices of a network."""

    device: str = "luna"


class Active(Struct, frozen=True):
    """Whether the device is at work, and with which model."""

    active: bool
    generation_status: str
    model: str | None
    device: str = "luna"


class Version(Struct, frozen=True):
    """The version of the server."""

    version: str
    name: str = "luna"


class Health(Struct, frozen=True):
    """State and the last run's figures: tokens per second, and megabytes (10^6) at the most.

    Who asks for slots is told `status` "ok" or "no slot available", and perhaps each slot.
    """

    generation_status: str
    tools_loaded: list[str]
    prefill_speed_tps: str
    generation_speed_tps: str
    memory_usage_mb: str
    slots_idle: int
    slots_processing: int
    requests_waiting: int
    status: str = "healthy"
    watchdog: WatchdogReport | None = None
    slots: list[dict[str, Any]] | UnsetType = UNSET


class SimpleHealth(Struct, frozen=True):
    """The server answers."""

    status: str = "ok"


class CpuUsage(Struct, frozen=True):
    """Busy share of all cores since the last reading."""

    cpu_usage_percent: float


class NpuUsage(Struct, frozen=True):
    """Busy share of each core in the driver's last full second."""

    npu_cores_usage_percent: list[float]
    npu_average_usage_percent: float
    watchdog: WatchdogReport | None = None


class RamUsage(Struct, frozen=True):
    """Share of the memory that programs hold."""

    ram_usage_percent: float


class ServerInfo(Struct, frozen=True):
    """What answers here, and where to go on."""

    version: str
    model: str | None
    models: list[str]
    endpoints: list[str]
    name: str = "Luna"
    device: str = "luna"
    documentation: str = "/docs"
    openapi: str = "/openapi.json"


@dataclass(frozen=True, slots=True)
class Readings:
    """Where the readings come from; each may raise ReadingUnavailable."""

    cpu_percent: Callable[[], float]
    memory: Callable[[], Memory]
    npu: Callable[[], NpuReading]
    tools: Callable[[], list[str]]
    watchdog: Callable[[], WatchdogReport | None] = lambda: None


class Luna:
    """Handlers."""

    def __init__(self, registry: Registry, pool: Pool, runs: Runs, readings: Readings) -> None:
        self._registry = registry
        self._pool = pool
        self._runs = runs
        self._readings = readings
        self._endpoints: list[str] = []

    def announce(self, endpoints: list[str]) -> None:
        """Say once which paths `/` lists: all routes are known only when all dialects are."""
        self._endpoints = endpoints

    def info(self, request: Request) -> Reply:
        """GET /; apps for Ollama look there for their own kind."""
        if request.dialect == "ollama" or ollama.expected_by(request):
            return ollama.GREETING
        usable = [entry.id for entry in self._registry.entries() if entry.usable]
        return json_reply(
            ServerInfo(__version__, usable[0] if usable else None, usable, self._endpoints)
        )

    def recognise(self, request: Request) -> Reply:
        """GET /luna."""
        return json_reply(Recognition())

    def active(self, request: Request) -> Reply:
        """GET /luna/active."""
        status, loaded = self._generation_status(), self._pool.loaded()
        latest = max(loaded, key=lambda each: each.used, default=None)
        model = latest.entry.id if latest else None
        return json_reply(Active(status == "generating", status, model))

    def version(self, request: Request) -> Reply:
        """GET /version."""
        return json_reply(Version(__version__))

    def health(self, request: Request) -> Reply:
        """GET /health; `include_slots` and `fail_on_no_slot` ask in the words of llama.cpp.

        On a port of Wingman's clients everybody asks so.
        """
        health = self._health()
        query = request.query
        include, fail = (_flag(query, name) for name in ("include_slots", "fail_on_no_slot"))
        if not include and not fail and request.dialect != "wingman":
            return json_reply(health)
        ready = [each for each in self._pool.loaded() if each.engine.state == "loaded"]
        if not ready:
            raise ModelLoading("Loading model: no model is in memory yet, try again in a moment.")
        told = replace(health, status="ok" if health.slots_idle else "no slot available")
        if include:
            told = replace(told, slots=[slot_body(s) for each in ready for s in states(each)])
        if health.slots_idle or not fail:
            return json_reply(told)
        busy = QueueFull("no slot available: every one is busy, try again in a moment.")
        body = to_builtins(told) | to_builtins(error_body(busy))
        return json_reply(body, 503, error_headers(busy))

    def _health(self) -> Health:
        run = self._runs.last()
        timings = run.timings if run else Timings(0, 0.0, 0, 0.0)
        ready = [each for each in self._pool.loaded() if each.engine.state == "loaded"]
        loads = [loaded.scheduler.load() for loaded in ready]
        running = sum(load.running for load in loads)
        return Health(
            generation_status=self._generation_status(),
            tools_loaded=self._readings.tools(),
            prefill_speed_tps=f"{timings.prompt_per_second:.2f}",
            generation_speed_tps=f"{timings.generated_per_second:.2f}",
            memory_usage_mb=f"{(run.peak_memory_bytes if run else 0) / 1e6:.2f}",
            slots_idle=sum(load.slots for load in loads) - running,
            slots_processing=running,
            requests_waiting=sum(load.waiting for load in loads),
            watchdog=self._readings.watchdog(),
        )

    def simple_health(self, request: Request) -> Reply:
        """GET /v1/health."""
        return json_reply(SimpleHealth())

    def cpu(self, request: Request) -> Reply:
        """GET /cpu."""
        return json_reply(CpuUsage(round(self._readings.cpu_percent(), 1)))

    def npu(self, request: Request) -> Reply:
        """GET /npu."""
        reading = self._readings.npu()
        usage = NpuUsage(
            list(reading.cores_percent), reading.average_percent, self._readings.watchdog()
        )
        return json_reply(usage)

    def ram(self, request: Request) -> Reply:
        """GET /ram."""
        return json_reply(RamUsage(round(self._readings.memory().used_percent, 1)))

    def _generation_status(self) -> str:
        busy = any(loaded.scheduler.load().running for loaded in self._pool.loaded())
        return "generating" if busy else "idle"


def routes(api: Luna) -> tuple[Route, ...]:
    """The table of this dialect."""

    def get(path: str, handler: Callable[[Request], Reply], summary: str, answer: type) -> Route:
        missing = (501,) if path in ("/cpu", "/npu", "/ram") else ()
        operation = Operation(summary, "Luna", answer=answer, statuses=missing)
        access: Access = "open" if path in ("/luna", "/v1/health") else "key"
        return Route("GET", path, handler, operation, access=access)

    health = Operation(
        "State, and the last run's figures",
        "Luna",
        answer=Health,
        description="With one of the parameters the status is that of llama.cpp's server.",
        query=(
            Parameter("include_slots", "Tell of each slot of the loaded models", example="1"),
            Parameter("fail_on_no_slot", "Answer 503 while every slot is busy", example="1"),
        ),
    )
    return (
        get("/", api.info, "What answers here", ServerInfo),
        get("/luna", api.recognise, "Recognition by the phone app", Recognition),
        get("/luna/active", api.active, "Whether the device is at work", Active),
        get("/version", api.version, "The version of the server", Version),
        Route("GET", "/health", api.health, health, LLAMACPP, access="open"),
        get("/v1/health", api.simple_health, "Whether the server answers", SimpleHealth),
        get("/cpu", api.cpu, "CPU usage", CpuUsage),
        get("/npu", api.npu, "NPU usage by core", NpuUsage),
        get("/ram", api.ram, "Memory usage", RamUsage),
    )


def _flag(query: Mapping[str, str], name: str) -> bool:
    """Whether a parameter is there and does not say no."""
    return query.get(name, "no").lower() not in ("no", "off", "false", "0")

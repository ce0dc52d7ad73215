"""What the device and its engines say at the moment of asking, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from appliance import __version__
from appliance.errors import ReadingUnavailable
from appliance.observe.metrics import gauge
from appliance.system.board import Temperature
from appliance.system.disk import Disk
from appliance.system.memory import Memory
from appliance.system.npu import NpuReading

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ModelLoad:
    """A model in memory or on its way there; `context` is tokens for each slot."""

    model: str
    loaded: bool
    slots: int
    running: int
    waiting: int
    restarts: int
    context: int


@dataclass(frozen=True, slots=True)
class DeviceReadings:
    """Where the figures come from; each may raise ReadingUnavailable, and is then left out."""

    models: Callable[[], Sequence[ModelLoad]]
    connections: Callable[[], int]
    held_tokens: Callable[[], int]
    cpu_percent: Callable[[], float]
    memory: Callable[[], Memory]
    disk: Callable[[], Disk]
    npu: Callable[[], NpuReading]
    temperatures: Callable[[], Sequence[Temperature]]


class DeviceMetrics(Collector):
    """Asks the readings at each scrape."""

    def __init__(self, readings: DeviceReadings) -> None:
        self._readings = readings

    def collect(self) -> Iterator[Metric]:
        """Every figure that this device can give."""
        yield gauge(
            "luna_build_info", "The version of the server", "version", [((__version__,), 1)]
        )
        connections = self._readings.connections()
        yield GaugeMetricFamily("luna_connections", "Open connections", value=connections)
        models = self._readings.models()
        yield from _models(models)
        yield from _as_llamacpp(models, self._readings.held_tokens())
        yield from self._device()

    def _device(self) -> Iterator[Metric]:
        if (percent := _read(self._readings.cpu_percent)) is not None:
            yield GaugeMetricFamily(
                "luna_cpu_busy_ratio", "Busy share of all cores", value=percent / 100
            )
        if (memory := _read(self._readings.memory)) is not None:
            yield from _sizes("luna_memory", memory.total_bytes, memory.available_bytes)
        if (disk := _read(self._readings.disk)) is not None:
            yield from _sizes("luna_models_disk", disk.total_bytes, disk.free_bytes)
        if (npu := _read(self._readings.npu)) is not None:
            cores = [((str(core),), load / 100) for core, load in enumerate(npu.cores_percent)]
            yield gauge("luna_npu_busy_ratio", "Busy share of each NPU core", "core", cores)
            if npu.frequency_hz is not None:
                yield GaugeMetricFamily(
                    "luna_npu_frequency_hertz", "The NPU's clock", value=npu.frequency_hz
                )
        # Several zones may share a type; a series must not come twice.
        warmest: dict[str, float] = {}
        for each in _read(self._readings.temperatures) or ():
            warmest[each.zone] = max(each.celsius, warmest.get(each.zone, each.celsius))
        yield gauge(
            "luna_temperature_celsius",
            "The warmest sensor of each kind",
            "zone",
            [((zone,), celsius) for zone, celsius in warmest.items()],
        )


def _models(models: Sequence[ModelLoad]) -> Iterator[Metric]:
    for name, text, values in (
        ("luna_model_loaded", "1 for a model that is ready", [m.loaded for m in models]),
        ("luna_model_slots", "Requests that may run at once", [m.slots for m in models]),
        ("luna_model_requests_running", "Requests at work", [m.running for m in models]),
        ("luna_model_requests_waiting", "Requests in the queue", [m.waiting for m in models]),
    ):
        rows = [((m.model,), float(value)) for m, value in zip(models, values, strict=True)]
        yield gauge(name, text, "model", rows)
    restarts = CounterMetricFamily(
        "luna_engine_restarts", "Starts of an engine after it died", labels=["model"]
    )
    for model in models:
        restarts.add_metric([model.model], model.restarts)
    yield restarts


def _as_llamacpp(models: Sequence[ModelLoad], held: int) -> Iterator[Metric]:
    room = sum(model.slots * model.context for model in models if model.loaded)
    for name, text, value in (
        ("requests_processing", "Requests at work", sum(m.running for m in models)),
        ("requests_deferred", "Requests in the queue", sum(m.waiting for m in models)),
        (
            "kv_cache_usage_ratio",
            "Share of all slots' tokens that the runs at work hold",
            held / room if room else 0.0,
        ),
    ):
        yield GaugeMetricFamily(f"llamacpp:{name}", text, value=value)


def _sizes(name: str, total: int, free: int) -> Iterator[Metric]:
    yield GaugeMetricFamily(f"{name}_size_bytes", "Bytes in all", value=total)
    yield GaugeMetricFamily(f"{name}_available_bytes", "Bytes that can be used", value=free)


def _read(reading: Callable[[], _T]) -> _T | None:
    try:
        return reading()
    except ReadingUnavailable:
        return None  # a laptop has no NPU: there is no figure then

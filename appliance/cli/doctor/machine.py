"""The machine itself: Python, processor, memory, NPU, clock, temperature."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from appliance.cli.doctor.check import Finding, ok, problem, warning
from appliance.cli.table import size
from appliance.models.folder import Entry
from appliance.system.board import Temperature
from appliance.system.cpu import CpuModel
from appliance.system.memory import Memory
from appliance.system.npu import NpuReading, NpuUnavailable

_OLDEST_PYTHON = (3, 11)
_ARCHITECTURES = ("x86_64", "aarch64")
_HOT, _TOO_HOT = 75.0, 90.0  # °C: an RK3588 slows down from about 85
_FIRST_YEAR = 2025
_SPARE_MEMORY = 300e6  # bytes for the cache, the engine and Luna itself


def python(version: Sequence[int] = sys.version_info[:3]) -> Finding:
    """Whether the interpreter is new enough."""
    sentence = f"Python {'.'.join(map(str, version))} runs Luna."
    if tuple(version[:2]) >= _OLDEST_PYTHON:
        return ok("python", sentence)
    remedy = "Install Python 3.11 or newer: sudo apt install python3"
    return problem("python", f"{sentence} That is too old.", remedy)


def processor(cpu: CpuModel, architecture: str | None = None) -> Finding:
    """Whether the prebuilt CPU engine fits the processor."""
    architecture = architecture or platform.machine()
    named = f"{cpu.name}, {cpu.cores} cores, {architecture}"
    remedy = "Set cpu_engine.llama_server to a llama-server that was built for this machine."
    if architecture not in _ARCHITECTURES:
        return problem("processor", f"There is no prebuilt CPU engine for {named}.", remedy)
    if missing := cpu.missing_features:
        return problem(
            "processor", f"{named}: the CPU engine needs {', '.join(missing)}, too.", remedy
        )
    if architecture == "aarch64" and "asimddp" not in cpu.features:
        return warning(
            "processor",
            f"{named}: without dot-product instructions (asimddp) models run slowly.",
            "Choose small models in Q4_0: luna models list",
        )
    return ok("processor", f"{named}: the CPU engine fits.")


def memory(memory: Memory, model: Entry | None) -> Finding:
    """Whether the default model fits into what is free."""
    free = f"{size(memory.available_bytes)} of {size(memory.total_bytes)} of memory are free"
    if model is None:
        return ok("memory", f"{free}.")
    needed = model.size_bytes + _SPARE_MEMORY
    sentence = f"{free}; the default model '{model.id}' needs about {size(needed)}."
    if needed > memory.total_bytes:
        remedy = "Name a smaller model with the setting models.default, or lower cpu_engine.context"
        return problem("memory", sentence, remedy)
    if needed > memory.available_bytes:
        return warning("memory", sentence, "End other programs, or set models.max_loaded to 1.")
    return ok("memory", sentence)


def npu(reading: NpuReading | NpuUnavailable) -> Finding:
    """What the NPU says; a machine without one is well, too."""
    if isinstance(reading, NpuReading):
        driver = reading.driver_version or "of unknown version"
        return ok("npu", f"{len(reading.cores_percent)} NPU cores, driver rknpu {driver}.")
    if "no NPU" in reading.reason:
        return ok("npu", f"{reading.reason} Models run on the CPU.")
    return warning("npu", reading.reason, reading.remedy)


def clock(now: datetime | None = None) -> Finding:
    """Whether the time can be right: without it TLS fails and logs mislead."""
    now = now or datetime.now(UTC)
    sentence = f"It is {now:%Y-%m-%d %H:%M} UTC."
    if now.year >= _FIRST_YEAR:
        return ok("clock", sentence)
    remedy = "Connect it to a network and run: sudo timedatectl set-ntp true"
    return warning("clock", f"{sentence} That cannot be.", remedy)


def temperature(readings: Sequence[Temperature]) -> Finding:
    """Whether it is too hot to keep its pace."""
    if not readings:
        return ok("temperature", "This machine has no sensors to read.")
    hottest = max(readings, key=lambda reading: reading.celsius)
    sentence = f"{hottest.celsius:.0f} °C at {hottest.zone}."
    remedy = "Give it a heat sink or a fan, or pin the engine to fewer cores with cpu_engine.cpus."
    if hottest.celsius >= _TOO_HOT:
        return problem("temperature", f"{sentence} It slows down or will switch off.", remedy)
    if hottest.celsius >= _HOT:
        return warning("temperature", f"{sentence} It will slow down soon.", remedy)
    return ok("temperature", sentence)

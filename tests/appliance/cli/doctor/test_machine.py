from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.cli.doctor import machine
from appliance.cli.doctor.check import Level
from appliance.models.folder import Entry
from appliance.system.board import Temperature
from appliance.system.cpu import ARM_FEATURES, X86_FEATURES, CpuModel
from appliance.system.memory import Memory
from appliance.system.npu import NpuReading, NpuUnavailable

X86 = CpuModel("EPYC", 2, frozenset(X86_FEATURES) | {"fpu"})
ARM = CpuModel("A76", 8, frozenset(ARM_FEATURES) | {"asimddp"})
OLD_X86 = CpuModel("Atom", 2, frozenset({"fpu", "f16c"}))
A53 = CpuModel("A53", 4, frozenset(ARM_FEATURES))


@pytest.mark.parametrize(
    ("version", "level"), [((3, 10, 9), Level.PROBLEM), ((3, 11, 0), Level.OK), ((4, 0), Level.OK)]
)
def test_python(version: tuple[int, ...], level: Level) -> None:
    assert machine.python(version).level is level


@pytest.mark.parametrize(
    ("cpu", "architecture", "level", "said"),
    [
        (X86, "x86_64", Level.OK, "EPYC"),
        (ARM, "aarch64", Level.OK, "A76"),
        (OLD_X86, "x86_64", Level.PROBLEM, "avx2"),
        (A53, "aarch64", Level.WARNING, "asimddp"),
        (X86, "riscv64", Level.PROBLEM, "riscv64"),
    ],
)
def test_processor(cpu: CpuModel, architecture: str, level: Level, said: str) -> None:
    found = machine.processor(cpu, architecture)
    assert found.level is level
    assert said in found.sentence
    assert bool(found.remedy) == (level is not Level.OK)


@pytest.mark.parametrize(
    ("total", "free", "level"),
    [(8e9, 6e9, Level.OK), (8e9, 2e9, Level.WARNING), (4e9, 4e9, Level.PROBLEM)],
)
def test_memory(total: float, free: float, level: Level) -> None:
    model = Entry("big", Path("big.gguf"), 5_000_000_000, 0.0)
    assert machine.memory(Memory(int(total), int(free)), model).level is level


def test_memory_without_any_model() -> None:
    assert machine.memory(Memory(10, 5), None).level is Level.OK


def test_npu() -> None:
    assert machine.npu(NpuReading((0.0, 0.0, 0.0), 0.0, "0.9.8", None)).level is Level.OK
    assert machine.npu(NpuUnavailable("This machine has no NPU.", "Buy one.")).level is Level.OK
    found = machine.npu(NpuUnavailable("The driver is not there.", "Boot another kernel."))
    assert found.level is Level.WARNING
    assert found.remedy == "Boot another kernel."


def test_clock() -> None:
    assert machine.clock(datetime(2026, 1, 1, tzinfo=UTC)).level is Level.OK
    assert machine.clock(datetime(1970, 1, 1, tzinfo=UTC)).level is Level.WARNING


@pytest.mark.parametrize(
    ("celsius", "level"), [(40, Level.OK), (80, Level.WARNING), (95, Level.PROBLEM)]
)
def test_temperature(celsius: float, level: Level) -> None:
    found = machine.temperature([Temperature("cool", 20.0), Temperature("soc", celsius)])
    assert found.level is level
    assert f"{celsius} °C at soc" in found.sentence


def test_no_sensor_is_no_problem() -> None:
    assert machine.temperature([]).level is Level.OK

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.cli.doctor import engine
from appliance.cli.doctor.check import Level
from appliance.models.folder import inspect
from appliance.settings import CpuEngineSettings
from tests.helpers.server import tiny_model

SETTINGS = CpuEngineSettings(slots=1, threads=1)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


@pytest.mark.needs("engine")
def test_the_engine_loads_and_speaks() -> None:
    assert engine.importable(SETTINGS).level is Level.OK
    found = engine.speaks(SETTINGS, inspect(tiny_model(), "tiny"), 60.0)
    assert (found.level, found.remedy) == (Level.OK, "")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise ImportError('libgomp.so.1: cannot open shared object file')", "libgomp1"),
        ("import no_such_module_xllamacpp", "import"),
        ("import os; os.kill(os.getpid(), 4)", "AVX2"),
        ("import time; time.sleep(60)", "did not load within"),
    ],
)
def test_an_engine_that_does_not_load_is_a_problem(code: str, said: str) -> None:
    seconds = 0.5 if "sleep" in code else 30.0
    found = engine.importable(SETTINGS, python(code), seconds)
    assert found.level is Level.PROBLEM
    assert said in found.sentence or said == "import"
    assert found.remedy


def test_a_configured_program_is_looked_at(tmp_path: Path) -> None:
    binary = tmp_path / "llama-server"
    settings = CpuEngineSettings(llama_server=binary)
    assert engine.importable(settings).level is Level.PROBLEM
    binary.write_text("#!/bin/sh\n", "utf-8")
    binary.chmod(0o755)
    assert engine.importable(settings).level is Level.OK


def test_an_engine_that_cannot_start_is_a_problem(tmp_path: Path) -> None:
    settings = CpuEngineSettings(llama_server=tmp_path / "none")
    found = engine.speaks(settings, inspect(tiny_model(), "tiny"), 20.0)
    assert found.level is Level.PROBLEM
    assert found.sentence.startswith("The CPU engine does not run.")


def test_a_bad_bundled_model_is_a_problem() -> None:
    entry = replace(inspect(tiny_model(), "tiny"), problem="It is damaged.")
    found = engine.speaks(SETTINGS, entry)
    assert found.level is Level.PROBLEM
    assert "It is damaged." in found.sentence

"""The CPU engine: whether it can be loaded, and whether it says a word."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from appliance.cli.doctor.check import Finding, ok, problem
from appliance.domain.cancel import CancelToken
from appliance.domain.events import Finish
from appliance.domain.patience import Patience
from appliance.domain.requests import CompletionRequest, Generation
from appliance.engines.base import ModelSpec
from appliance.engines.llamacpp import reasons
from appliance.engines.llamacpp.engine import LlamaCpp
from appliance.errors import LunaError
from appliance.models.folder import Entry
from appliance.settings import CpuEngineSettings
from appliance.system.processes import Spawner

_CONTEXT = 256  # tokens: enough for one word, and soon ready
_IMPORT = (sys.executable, "-c", "import xllamacpp; print('loaded')")
_REINSTALL = "Install Luna again with `make serve`, or set cpu_engine.llama_server."


def importable(
    settings: CpuEngineSettings, command: Sequence[str] = _IMPORT, seconds: float = 30.0
) -> Finding:
    """Whether the engine's package loads: in a child, which an old processor would kill."""
    if settings.program is not None:
        return _binary(settings.program)
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        sentence = f"The CPU engine did not load within {seconds:.0f} s."
        return problem("engine library", sentence, _REINSTALL)
    if done.returncode == 0:
        return ok("engine library", "The CPU engine xllamacpp loads.")
    sentence = reasons.explain(done.stdout + done.stderr, done.returncode)
    return problem("engine library", sentence, _REINSTALL)


def speaks(settings: CpuEngineSettings, model: Entry, seconds: float = 30.0) -> Finding:
    """Load `model` and have it write one token."""
    if not model.usable:
        sentence = f"The model '{model.id}' cannot be used. {model.problem}"
        return problem("engine", sentence, "Install Luna again: make serve")
    spec = ModelSpec(model.id, model.path, model.size_bytes, _CONTEXT)
    spawner = Spawner()
    engine = LlamaCpp(spec, settings, spawner, Patience(stall=seconds))
    try:
        engine.start()
        engine.wait_ready(seconds)
        request = CompletionRequest(Generation(model.id, max_tokens=1), "Luna")
        events = list(engine.complete(request, CancelToken()))
    except LunaError as error:
        remedy = "See the engine's own words with: luna serve --verbose"
        return problem("engine", f"The CPU engine does not run. {error}", remedy)
    finally:
        engine.stop()
        spawner.close()
    assert isinstance(events[-1], Finish)
    return ok("engine", f"The CPU engine runs: '{model.id}' wrote a token.")


def _binary(binary: Path) -> Finding:
    if os.access(binary, os.X_OK) and binary.is_file():
        return ok("engine library", f"The engine is the program {binary}.")
    remedy = "Correct the setting cpu_engine.llama_server, or leave it out."
    return problem("engine library", f"{binary} is not a program that may be run.", remedy)

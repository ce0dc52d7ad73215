"""Engines on the simulator, made and ended for tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from appliance.domain.cancel import CancelToken
from appliance.domain.events import Content, Event, Finish, Reasoning
from appliance.domain.messages import Message, Role
from appliance.domain.patience import Patience
from appliance.domain.requests import ChatRequest, Generation
from appliance.engines.base import Engine, ModelSpec
from appliance.engines.rkllm.chat.prefixfiles import PrefixFiles
from appliance.engines.rkllm.domains import Domains
from appliance.engines.rkllm.engine import Rkllm
from appliance.engines.rkllm.model import NpuModel, NpuSpec
from appliance.engines.rkllm.process import Pauses
from appliance.errors import LunaError
from appliance.settings import NpuEngineSettings
from appliance.system.processes import Spawner
from tests.rkllm_sim import language, models
from tests.rkllm_sim.build import library

PATIENCE_S = 30.0


class Workshop:
    """Makes engines, and ends them. `idle` seconds after a run they make prompt caches."""

    def __init__(self, folder: Path, spawner: Spawner, version: str) -> None:
        self.folder = folder / "model"
        self.caches = folder / "caches"
        self.version = version
        self.idle = 1000.0
        self._spawner = spawner
        self._made: list[Rkllm] = []

    def engine(
        self,
        *,
        fluent: bool = True,
        settings: dict[str, Any] | None = None,
        spec: dict[str, Any] | None = None,
        npu: dict[str, Any] | None = None,
        **values: str | int,
    ) -> Rkllm:
        """A started engine; a `fluent` one has a tokenizer and a template."""
        self.folder.mkdir(exist_ok=True)
        if fluent:
            language.write(self.folder)
        path = models.write(self.folder / "model.rkllm", **({"bytes": 1} | values))
        common = replace(ModelSpec("sim", path, 1000, context=2048), **(spec or {}))
        base = NpuEngineSettings(library=library(self.version), abort_seconds=2.0)
        chosen = msgspec.structs.replace(base, **(settings or {}))
        model = NpuModel(
            NpuSpec(common, self.folder, **(npu or {})),
            chosen,
            self._spawner,
            Domains(),
            Pauses(0.001, 0.01),
        )
        files = PrefixFiles(self.caches, chosen.cache_bytes)
        engine = Rkllm(model, chosen, Patience(stall=PATIENCE_S), files, self.idle)
        self._made.append(engine)
        engine.start()
        return engine

    def ready(self, **given: Any) -> Rkllm:
        """A loaded engine."""
        engine = self.engine(**given)
        engine.wait_ready(PATIENCE_S)
        return engine

    def close(self) -> None:
        """End them all."""
        for engine in self._made:
            engine.stop()


def asked(*texts: str, **more: Any) -> ChatRequest:
    """A conversation of a user and an assistant in turn."""
    roles = (Role.USER, Role.ASSISTANT)
    messages = tuple(Message(roles[at % 2], text) for at, text in enumerate(texts))
    names = ("max_tokens", "stop", "sampling")
    of_generation = {name: more.pop(name) for name in names if name in more}
    return ChatRequest(Generation("sim", **of_generation), messages, **more)


def chat(engine: Engine, request: ChatRequest, cancel: CancelToken | None = None) -> list[Event]:
    """All events of the next turn."""
    return list(engine.chat(request, cancel or CancelToken()))


def text(events: list[Event], kind: type[Content] | type[Reasoning] = Content) -> str:
    """What was said, or thought."""
    return "".join(event.text for event in events if isinstance(event, kind))


def finish(events: list[Event]) -> Finish:
    """The end, which comes once."""
    last = events[-1]
    assert isinstance(last, Finish)
    assert sum(isinstance(event, Finish) for event in events) == 1
    return last


def failure(work: Callable[[], object]) -> LunaError:
    """The error that comes of something."""
    with pytest.raises(LunaError) as caught:
        work()
    return caught.value

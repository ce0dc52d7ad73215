"""The whole appliance in this process, on an engine that says and does what a test tells it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from appliance import assembly, config, services
from appliance.domain.cancel import CancelToken
from appliance.domain.requests import ChatRequest, CompletionRequest
from appliance.engines.scripted import Gates, Script, Scripted, Token, always
from appliance.errors import LunaError


class Stage:
    """What the engine says (`script`), what it was asked (`asked`), and when it fails.

    `failure` is raised before token number `fails_at` of each answer, and `pause` called before
    every one. Each of `loading` is raised once, by those who wait for the model.
    """

    def __init__(self, slots: int = 2) -> None:
        self.slots = slots
        self.url = ""
        self.script: Script = always(b"Hel", b"lo")
        self.asked: list[ChatRequest | CompletionRequest] = []
        self.failure: LunaError | None = None
        self.fails_at = 0
        self.pause: Callable[[int, CancelToken], None] = lambda token, cancel: None
        self.loading: list[LunaError] = []

    @property
    def port(self) -> int:
        """Where the appliance listens."""
        return int(self.url.rpartition(":")[2])

    def engine(self, *parts: object) -> Scripted:
        """In place of a real one."""
        return Scripted(self._say, Gates(self._load, self._gate), self.slots)

    def _say(self, request: ChatRequest | CompletionRequest) -> Sequence[Token]:
        self.asked.append(request)
        return self.script(request)

    def _load(self) -> None:
        if self.loading:
            raise self.loading.pop(0)

    def _gate(self, token: int, cancel: CancelToken) -> None:
        self.pause(token, cancel)
        if self.failure is not None and token == self.fails_at:
            raise self.failure


@contextmanager
def performing(
    folder: Path, settings: Mapping[str, Any] | None = None, slots: int = 2
) -> Iterator[Stage]:
    """An appliance that serves its bundled model, as the stage's engine plays it."""
    stage = Stage(slots)
    values: dict[str, Any] = {"server.host": "127.0.0.1", "server.port": 0, "data": str(folder)}
    # One client asks for all of a test.
    values |= dict.fromkeys(("rate.generate", "rate.status", "rate.browser", "rate.log"), 0)
    values |= settings or {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(services, "LlamaCpp", stage.engine)
        appliance = assembly.Appliance(config.load([], {}, values), {})
        appliance.start()
        try:
            (stage.url,) = appliance.urls
            yield stage
        finally:
            appliance.stop()

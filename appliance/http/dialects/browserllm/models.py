"""Handlers of Browser LLM's API that are about the models themselves."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from msgspec import UNSET

from appliance.errors import ModelLoading, ModelNotFound, ReadingUnavailable
from appliance.http.dialects.browserllm import answers, describe, frame
from appliance.http.dialects.browserllm.absent import Absent
from appliance.http.dialects.browserllm.choice import Choice
from appliance.http.exchange import Reply, Request, json_reply
from appliance.models.folder import Entry
from appliance.models.registry import Registry
from appliance.observe.profile import Profile
from appliance.serving.pool import Loaded, Pool

_ALMOST = 99  # percent: what is not loaded yet is never said to be


class Models:
    """`context` gives a model's tokens, `memory` the bytes that a process has held at the most.

    `clock` gives Unix seconds, `ticks` the seconds of the pool's clock.
    """

    def __init__(
        self,
        registry: Registry,
        pool: Pool,
        absent: Absent,
        choice: Choice,
        profile: Profile,
        context: Callable[[Entry], int],
        memory: Callable[[int], int],
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = registry
        self._pool = pool
        self._absent = absent
        self._choice = choice
        self._profile = profile
        self._context = context
        self._memory = memory
        self._clock = clock
        self._ticks = ticks

    def models(self, request: Request) -> Reply:
        """GET /api/v1/models."""
        usable = (entry for entry in self._registry.entries() if entry.usable)
        rows = [describe.model(each, self._profile.averages(each.id)) for each in usable]
        rows += [describe.absent(each) for each in self._absent.all()]
        return self._reply(answers.BrowserLlmModels(rows), request)

    def model(self, request: Request) -> Reply:
        """GET /api/v1/models/{id}."""
        name = request.parameters["id"]
        try:
            entry = self._registry.find(name)
        except ModelNotFound:
            return self._reply(describe.absent_details(self._absent.find(name)), request)
        measured = self._profile.averages(entry.id)
        return self._reply(describe.model_details(entry, self._context(entry), measured), request)

    def load(self, request: Request) -> Reply:
        """POST /api/v1/models/{id}/load."""
        name = request.parameters["id"]
        try:
            entry = self._registry.resolve(self._registry.find(name).id)
        except ModelNotFound as error:
            raise self._absent.refuse(name) from error
        self._pool.preload(entry)
        found = [each for each in self._pool.loaded() if each.entry.id == entry.id]
        told = answers.BrowserLlmLoading(entry.id, "loaded", 100)
        for loaded in found:
            try:
                loaded.engine.wait_ready(0.0)
            except ModelLoading:
                told = self._progress(loaded)
        self._choice.choose(entry)
        return self._reply(told, request, 202 if told.status == "loading" else 200)

    def _progress(self, loaded: Loaded) -> answers.BrowserLlmLoading:
        """How much of the file is in the engine's memory, and how long the rest will take so."""
        try:
            held = 0 if loaded.engine.pid is None else self._memory(loaded.engine.pid)
        except ReadingUnavailable:
            held = 0  # the engine ended in the meantime, and is started again
        percent = min(_ALMOST, 100 * held // max(1, loaded.entry.size_bytes))
        spent = self._ticks() - loaded.started
        left = round(1000 * spent * (100 - percent) / percent) if percent else UNSET
        return answers.BrowserLlmLoading(loaded.entry.id, "loading", percent, left)

    def _reply(self, data: Any, request: Request, status: int = 200) -> Reply:
        framed = frame.success(data, request.caller.request_id, self._clock())
        return json_reply(framed, status)

"""Handlers of Ollama's API that are about the models themselves."""

from __future__ import annotations

import time
from collections.abc import Callable

from appliance.http.bodies import decode
from appliance.http.dialects.ollama import answers, describe, parse, requests
from appliance.http.exchange import Reply, Request, json_reply
from appliance.models.folder import Entry
from appliance.models.registry import Registry
from appliance.serving.pool import Pool

# The release whose API this is: apps ask for one that is new enough for them.
VERSION = "0.12.11"


class Library:
    """`context` gives the tokens of a model's context; `clock` is in seconds since the epoch."""

    def __init__(
        self,
        registry: Registry,
        pool: Pool,
        context: Callable[[Entry], int],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._registry = registry
        self._pool = pool
        self._context = context
        self._clock = clock

    def version(self, request: Request) -> Reply:
        """GET /api/version."""
        return json_reply(answers.OllamaVersion(VERSION))

    def tags(self, request: Request) -> Reply:
        """GET /api/tags."""
        usable = [entry for entry in self._registry.entries() if entry.usable]
        return json_reply(answers.OllamaTags([describe.tag(entry) for entry in usable]))

    def processes(self, request: Request) -> Reply:
        """GET /api/ps."""
        loaded = [each for each in self._pool.loaded() if each.engine.state == "loaded"]
        now = self._clock()
        found = [describe.running(each, self._pool.seconds_left(each), now) for each in loaded]
        return json_reply(answers.OllamaProcesses(found))

    def show(self, request: Request) -> Reply:
        """POST /api/show."""
        name = parse.name(decode(request.body, requests.OllamaNameBody))
        entry = self._registry.find(name)
        return json_reply(describe.shown(entry, self._context(entry)))

    def delete(self, request: Request) -> Reply:
        """DELETE /api/delete."""
        entry = self._registry.find(parse.name(decode(request.body, requests.OllamaNameBody)))
        self._registry.remove(entry)
        self._pool.let_go(entry)
        return Reply(b"")

    def copy(self, request: Request) -> Reply:
        """POST /api/copy."""
        body = decode(request.body, requests.OllamaCopyBody)
        self._registry.copy(self._registry.find(body.source), body.destination)
        return Reply(b"")

"""Wingman's `status` frame: what the server is doing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from appliance import __version__
from appliance.models.registry import Registry
from appliance.serving.pool import Loaded, Pool


class Condition:
    """A source of news."""

    def __init__(self, registry: Registry, pool: Pool) -> None:
        self._registry = registry
        self._pool = pool

    def __call__(self) -> Mapping[str, Any]:
        """The frame, whose `status` is one of Wingman's words for a service."""
        loaded = self._pool.loaded()
        failures = [self._registry.load_failure(entry) for entry in self._registry.entries()]
        told = {
            "status": _word(loaded),
            "version": __version__,
            "models": [{"model": m.entry.id, "state": m.engine.state} for m in loaded],
            "error": next(filter(None, failures), ""),
        }
        if self._pool.closed:
            told |= {"status": "stopping"}
        return {"status": {"status": told}}


def _word(loaded: tuple[Loaded, ...]) -> str:
    states = {each.engine.state for each in loaded}
    if any(each.scheduler.load().running for each in loaded):
        return "inferring"
    if "loading" in states:
        return "preparing"
    return "error" if "failed" in states else "ready"

"""The models in memory: loaded when asked for, the least recently used one out."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from appliance.config import ModelSettings
from appliance.engines.base import Engine
from appliance.errors import ModelLoading, ShuttingDown
from appliance.models.folder import Entry
from appliance.models.registry import Registry
from appliance.serving.scheduler import Scheduler

_log = logging.getLogger(__name__)
_FAILURE_STANDS = 10.0  # seconds before a model that failed to load is tried again


@dataclass(slots=True, eq=False)
class Loaded:
    """A model in memory; `used` is the monotonic time of its last use, `users` who uses it now."""

    entry: Entry
    engine: Engine
    scheduler: Scheduler
    used: float
    started: float
    users: int = 0


class Pool:
    """Engines by model; all methods may be called from any thread."""

    def __init__(
        self,
        registry: Registry,
        make_engine: Callable[[Entry], Engine],
        settings: ModelSettings,
        queue_length: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = registry
        self._make_engine = make_engine
        self._settings = settings
        self._queue_length = queue_length
        self._clock = clock
        self._lock = threading.Lock()
        self._loaded: dict[str, Loaded] = {}
        self._closed = False

    def loaded(self) -> tuple[Loaded, ...]:
        """What is in memory now, or on its way there."""
        with self._lock:
            return tuple(self._loaded.values())

    def failure(self, entry: Entry) -> str:
        """Why the model could not be loaded the last time it was tried; "" if nothing is known."""
        with self._lock:
            loaded = self._loaded.get(entry.id)
        if loaded is None or loaded.entry.stamp != entry.stamp:
            return ""
        return loaded.engine.failure

    @contextmanager
    def use(self, entry: Entry) -> Iterator[Loaded]:
        """The model, ready and safe from being unloaded within the block.

        Raises ModelLoading, ShuttingDown, or why the model cannot be loaded.
        """
        loaded = self._claim(entry)
        try:
            loaded.engine.wait_ready(self._settings.load_wait_seconds)
            yield loaded
        finally:
            with self._lock:
                loaded.users -= 1
                loaded.used = self._clock()

    def preload(self, entry: Entry) -> None:
        """Begin to load a model without waiting for it."""
        loaded = self._claim(entry)
        with self._lock:
            loaded.users -= 1

    def drain(self, grace: float) -> None:
        """Take no new requests; those that run have `grace` seconds, then they are aborted."""
        with self._lock:
            self._closed = True
            models = tuple(self._loaded.values())
        for loaded in models:
            loaded.scheduler.close()
        deadline = self._clock() + grace
        while any(loaded.users for loaded in models) and self._clock() < deadline:
            time.sleep(0.02)
        reason = ShuttingDown("The server is shutting down; send the request again in a moment.")
        for loaded in models:
            loaded.scheduler.abort(reason)

    def close(self) -> None:
        """Unload everything; returns when no engine is left."""
        with self._lock:
            self._closed = True
            models = tuple(self._loaded.values())
            self._loaded.clear()
        for loaded in models:
            loaded.engine.stop()

    def _claim(self, entry: Entry) -> Loaded:
        """The model's place in memory, with the caller counted as one who uses it."""
        outgoing: list[Loaded] = []
        try:
            with self._lock:
                if self._closed:
                    raise ShuttingDown("The server is shutting down; try again in a moment.")
                outgoing += self._make_room(entry)
                loaded = self._loaded.get(entry.id) or self._add(entry)
                loaded.users += 1
        finally:
            for gone in outgoing:
                _log.info("unloading %s", gone.entry.id)
                gone.engine.stop()
        with self._lock:
            # A pool that was closed in the meantime has stopped this engine for good.
            if not self._closed and self._may_start(loaded):
                loaded.engine.start()
        return loaded

    def _add(self, entry: Entry) -> Loaded:
        engine = self._make_engine(entry)
        scheduler = Scheduler(engine.slots, self._queue_length)
        now = self._clock()
        self._loaded[entry.id] = Loaded(entry, engine, scheduler, used=now, started=now)
        return self._loaded[entry.id]

    def _make_room(self, wanted: Entry) -> list[Loaded]:
        """Take models out of the table, so that `wanted` fits; the caller stops their engines."""
        present = {entry.id: entry.stamp for entry in self._registry.entries()}
        outgoing = [
            loaded
            for loaded in self._loaded.values()
            if not loaded.users and present.get(loaded.entry.id) != loaded.entry.stamp
        ]
        staying = [loaded for loaded in self._loaded.values() if loaded not in outgoing]
        if wanted.id not in (loaded.entry.id for loaded in staying):
            idle = sorted((m for m in staying if not m.users), key=lambda m: m.used)
            excess = len(staying) + 1 - self._settings.max_loaded
            if excess > len(idle):
                raise ModelLoading(
                    f"There is no room for '{wanted.id}' while the loaded models are busy; try "
                    "again in a moment, or raise models.max_loaded.",
                    retry_after=5,
                )
            outgoing += idle[: max(0, excess)]
        for loaded in outgoing:
            del self._loaded[loaded.entry.id]
        return outgoing

    def _may_start(self, loaded: Loaded) -> bool:
        """A model that failed is tried again, but not by every request."""
        now = self._clock()
        if loaded.engine.state == "failed" and now - loaded.started < _FAILURE_STANDS:
            return False
        if loaded.engine.state in ("failed", "unloaded"):
            loaded.started = now
        return True

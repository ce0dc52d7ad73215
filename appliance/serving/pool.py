"""The models in memory: loaded when asked for, out when idle for long or room is needed."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from appliance.engines.base import Engine
from appliance.errors import LunaError, ModelLoadFailed, ModelNotFound, ShuttingDown
from appliance.models.folder import Entry
from appliance.models.registry import Registry
from appliance.serving import room
from appliance.serving.pulse import Pulse
from appliance.serving.reaper import Reaper
from appliance.serving.scheduler import Scheduler
from appliance.settings import ModelSettings

_log = logging.getLogger(__name__)
_FAILURE_STANDS = 10.0  # seconds before a model that failed to load is tried again


@dataclass(slots=True, eq=False)
class Loaded:
    """A model in memory; `used` is the monotonic time of its last use, `users` who uses it now.

    `keep` is how many seconds it stays without any use, if no other one needs its room.
    """

    entry: Entry
    engine: Engine
    scheduler: Scheduler
    used: float
    started: float
    users: int = 0
    keep: float = math.inf
    pulse: Pulse = field(default_factory=Pulse)


class Pool:
    """Engines by model; all methods may be called from any thread.

    `memory_bytes` is what all loaded models together may need.
    """

    def __init__(
        self,
        registry: Registry,
        make_engine: Callable[[Entry], Engine],
        settings: ModelSettings,
        queue_length: int,
        clock: Callable[[], float] = time.monotonic,
        memory_bytes: float = math.inf,
    ) -> None:
        self._registry = registry
        self._make_engine = make_engine
        self._settings = settings
        self._limits = room.Limits(settings.max_loaded, memory_bytes)
        self._held: frozenset[str] = frozenset()
        self._queue_length = queue_length
        self._clock = clock
        self._lock = threading.Lock()
        self._loaded: dict[str, Loaded] = {}
        self._closed = False
        self._reaper = Reaper(self._reap)

    @property
    def closed(self) -> bool:
        """Whether it takes no new requests, as the server is on its way down."""
        return self._closed

    def loaded(self) -> tuple[Loaded, ...]:
        """What is in memory now, or on its way there."""
        with self._lock:
            return tuple(self._loaded.values())

    @contextmanager
    def use(self, entry: Entry, keep: float | None = None) -> Iterator[Loaded]:
        """The model, ready and safe from being unloaded within the block.

        `keep` says how many seconds it stays when nobody uses it any more; None leaves that as it
        was. Raises ModelLoading, ShuttingDown, or why the model cannot be loaded.
        """
        loaded = self._claim(entry)
        try:
            self._wait_ready(loaded)
            yield loaded
        finally:
            with self._lock:
                loaded.users -= 1
                loaded.used = self._clock()
                loaded.keep = loaded.keep if keep is None else keep
            if loaded.keep < math.inf:
                self._reaper.nudge()

    def preload(self, entry: Entry) -> None:
        """Begin to load a model without waiting for it."""
        loaded = self._claim(entry)
        with self._lock:
            loaded.users -= 1

    def let_go(self, entry: Entry) -> None:
        """Unload the model, if it is loaded, as soon as nobody uses it."""
        with self._lock:
            if (loaded := self._loaded.get(entry.id)) is not None:
                loaded.keep = 0.0
        self._reaper.nudge()

    def hold(self, ids: Iterable[str]) -> None:
        """Have these models stay for good once they are loaded, and no longer those held before."""
        with self._lock:
            self._held = frozenset(ids)
        self._reaper.nudge()

    def unload(self, entry: Entry, reason: LunaError) -> None:
        """Take a model out of memory now; what runs on it ends with the reason."""
        with self._lock:
            loaded = self._loaded.pop(entry.id, None)
        if loaded is not None:
            _log.info("unloading %s: %s", entry.id, reason)
            loaded.scheduler.close(reason)
            loaded.scheduler.abort(reason)
            loaded.engine.stop()

    def seconds_left(self, loaded: Loaded) -> float:
        """How long the model will stay if nobody uses it from now on; inf for ever."""
        if loaded.entry.id in self._staying:
            return math.inf
        used = self._clock() if loaded.users else loaded.used
        return max(0.0, used + loaded.keep - self._clock())

    def drain(self, grace: float) -> None:
        """Take no new requests; those that run have `grace` seconds, then they are aborted."""
        with self._lock:
            self._closed = True
            models = tuple(self._loaded.values())
        leaving = ShuttingDown("The server is shutting down; try again in a moment.", retry_after=5)
        for loaded in models:
            loaded.scheduler.close(leaving)
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
        self._reaper.close()
        for loaded in models:
            loaded.engine.stop()

    @property
    def _staying(self) -> frozenset[str]:
        """The ids of models that nothing pushes out; settings may name them by an alias."""
        ids = set(self._held)
        for name in self._settings.pinned:
            with suppress(ModelNotFound):
                ids.add(self._registry.find(name).id)
        return frozenset(ids)

    def _reap(self) -> float | None:
        """Unload what nobody has used for too long; seconds until the next one may have to go."""
        with self._lock:
            idle = [loaded for loaded in self._loaded.values() if not loaded.users]
            over = [m for m in idle if not self.seconds_left(m) or self._is_deleted(m)]
            for loaded in over:
                del self._loaded[loaded.entry.id]
            left = [self.seconds_left(loaded) for loaded in idle if loaded not in over]
        for loaded in over:
            _log.info("unloading %s: its time is over", loaded.entry.id)
            loaded.engine.stop()
        return min((each for each in left if each < math.inf), default=None)

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

    def _wait_ready(self, loaded: Loaded) -> None:
        try:
            loaded.engine.wait_ready(self._settings.load_wait_seconds)
        except ModelLoadFailed as error:
            self._registry.note_load(loaded.entry, error.message)
            raise
        self._registry.note_load(loaded.entry)

    def _add(self, entry: Entry) -> Loaded:
        engine = self._make_engine(entry)
        scheduler = Scheduler(engine.slots, self._queue_length)
        now = self._clock()
        self._loaded[entry.id] = Loaded(entry, engine, scheduler, used=now, started=now)
        return self._loaded[entry.id]

    def _make_room(self, wanted: Entry) -> list[Loaded]:
        """Take models out of the table, so that `wanted` fits; the caller stops their engines.

        A model that failed to load holds no memory: it stays for its reason, and pushes none out.
        """
        present = {entry.id: entry.stamp for entry in self._registry.entries()}
        outgoing = [
            loaded
            for loaded in self._loaded.values()
            if not loaded.users and present.get(loaded.entry.id) != loaded.entry.stamp
        ]
        there = self._loaded.get(wanted.id)
        if there is None or there in outgoing or self._is_due_again(there):
            held = [
                loaded
                for loaded in self._loaded.values()
                if loaded not in outgoing and loaded.engine.state != "failed"
            ]
            outgoing += room.leaving(wanted, held, self._staying, self._limits)
        for loaded in outgoing:
            del self._loaded[loaded.entry.id]
        return outgoing

    def _is_deleted(self, loaded: Loaded) -> bool:
        """Whether a model was let go because its file is no more; then nothing holds it."""
        there = (entry.id for entry in self._registry.entries())
        return loaded.keep == 0.0 and loaded.entry.id not in there

    def _may_start(self, loaded: Loaded) -> bool:
        """A model that failed is tried again, but not by every request."""
        if loaded.engine.state == "failed" and not self._is_due_again(loaded):
            return False
        if loaded.engine.state in ("failed", "unloaded"):
            loaded.started = self._clock()
        return True

    def _is_due_again(self, loaded: Loaded) -> bool:
        failed = loaded.engine.state == "failed"
        return failed and self._clock() - loaded.started >= _FAILURE_STANDS

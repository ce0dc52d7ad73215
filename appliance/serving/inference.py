"""Models that are started and stopped by hand: they stay in memory, and come back after a restart.

One thread loads them, one after the other, so that none takes the memory of another half-way.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Protocol

from appliance.domain.inference import Options, State, Task, Wish
from appliance.errors import (
    EngineError,
    LunaError,
    ModelLoading,
    ModelNotFound,
    NotFound,
    Retryable,
    ShuttingDown,
    StorageFailed,
)
from appliance.models.folder import Entry
from appliance.models.registry import Registry
from appliance.serving.pool import Loaded, Pool
from appliance.serving.wishes import Wishes

_log = logging.getLogger(__name__)
_LIVE: dict[str, State] = {"loading": "preparing", "loaded": "inferring", "failed": "error"}
_MOST_TASKS = 100  # that have ended are remembered
_ROOM_SECONDS = 30.0  # to wait for busy models to leave
_BREATH = 0.2
_DIED = "Luna ended while it loaded this model; start it again, with a smaller context perhaps."
_FAULT = "Something is wrong inside Luna; its log says more."


class Memory(Protocol):
    """Keeps tasks beyond the end of the process; each method may raise StorageFailed."""

    def all(self) -> Iterable[Task]:
        """Every task, the one that changed longest ago first."""

    def keep(self, task: Task) -> None:
        """Keep a task, in place of an earlier one of the same alias."""

    def forget(self, alias: str) -> None:
        """Keep a task no longer."""


class Inference:
    """Starts and stops models under names of their own; for any thread.

    The model that was started last is the default one, as long as it runs.
    """

    def __init__(
        self,
        registry: Registry,
        pool: Pool,
        wishes: Wishes,
        memory: Memory,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._registry = registry
        self._pool = pool
        self._wishes = wishes
        self._memory = memory
        self._clock = clock
        self._acting = threading.Lock()  # one order after the other; looks do not wait for them
        self._changed = threading.Condition()
        self._tasks: dict[str, Task] = {}  # in the order in which they were started
        self._thread: threading.Thread | None = None
        self._closed = False

    def restore(self) -> None:
        """Start what was started when the server ended.

        A model during whose loading it ended, however that came, is not tried again by itself:
        it may be the reason.
        """
        with self._changed:
            try:
                kept = tuple(self._memory.all())
            except StorageFailed as error:
                _log.error("what was started is not known: %s", error)
                return
            for task in kept:
                self._tasks[task.wish.alias] = task
                if task.state == "preparing":
                    self._change(task.wish.alias, "error", _DIED)
                elif task.is_active:
                    self._change(task.wish.alias, "queued")
            self._rouse()

    def tasks(self, alias: str = "") -> tuple[Task, ...]:
        """Every task, or the one of that alias, as it is now; what was started last comes last."""
        with self._changed:
            found = [task for name, task in self._tasks.items() if alias in ("", name)]
        loaded = {each.entry.id: each for each in self._pool.loaded()}
        return tuple(self._seen(task, loaded) for task in found)

    def start(self, wish: Wish) -> tuple[Task, bool]:
        """Begin to load a model; the task, and whether that is new.

        No context is larger than the model was trained for. Raises ModelNotFound without its
        file, Retryable while another one is being loaded.
        """
        wish = _within(wish, self.entry(wish).context_length)
        with self._acting, self._changed:
            if self._closed:
                raise ShuttingDown("The server is shutting down; try again in a moment.")
            for known in self.tasks(wish.alias):
                if known.is_active:
                    return known, False
            if any(task.state in ("queued", "preparing") for task in self._tasks.values()):
                raise Retryable("Another model is being loaded; try again in a moment.")
            self._forget_the_oldest()
            now = self._clock()
            self._tasks.pop(wish.alias, None)
            self._tasks[wish.alias] = task = Task(wish, "queued", now, now)
            self._change(wish.alias, "queued")
            self._rouse()
            return task, True

    def stop(self, alias: str) -> Task:
        """Take a model out of memory; returns the task as it was. Raises NotFound."""
        with self._acting:
            return self._stop(alias)

    def reset(self, alias: str) -> Task:
        """Stop a model and forget the task; returns it as it was. Raises NotFound."""
        with self._acting:
            before = self._stop(alias)
            with self._changed:
                self._forget(alias)
            return before

    def close(self) -> None:
        """Load nothing more; what was on its way is loaded after the next start."""
        with self._changed:
            self._closed = True
            for alias, task in self._tasks.items():
                if task.state == "preparing":
                    self._change(alias, "queued")
            self._changed.notify_all()

    def join(self) -> None:
        """Return when nothing is being loaded any more; the pool is closed before."""
        if self._thread is not None:
            self._thread.join()

    def entry(self, wish: Wish) -> Entry:
        """The model of a wish; raises ModelNotFound.

        It is looked for as a file of a repository, then by its name, unless a model of that name
        came from another repository.
        """
        fetched = self._registry.downloaded().get((wish.repo, wish.file))
        if fetched is not None:
            return fetched
        path = PurePosixPath(wish.file)
        for name in (path.stem, f"{wish.repo}/{wish.file}", wish.file, path.name):
            with suppress(ModelNotFound):
                found = self._registry.find(name)
                source = found.manifest.source
                if source is None or source.repo == wish.repo:
                    return found
        raise ModelNotFound(f"'{wish.file}' of '{wish.repo}' is not here; download it first.")

    def _run(self) -> None:
        while (wish := self._next()) is not None:
            try:
                self._load(wish)
            except LunaError as error:
                self._fail(wish, error.message)
            except Exception:  # outermost loop
                _log.exception("%s could not be started", wish.alias)
                self._fail(wish, _FAULT)

    def _next(self) -> Wish | None:
        """Wait for a model to load; None at the end."""
        with self._changed:
            while not self._closed:
                for alias, task in self._tasks.items():
                    if task.state == "queued":
                        self._change(alias, "preparing")
                        return task.wish
                self._changed.wait()
            return None

    def _load(self, wish: Wish) -> None:
        entry = self.entry(wish)
        deadline = time.monotonic() + _ROOM_SECONDS
        for loaded in self._pool.loaded():
            other = self._wishes.of(entry.id) != wish.options
            if loaded.entry.id == entry.id and (other or loaded.engine.state == "failed"):
                self._pool.unload(entry, ModelLoading("The model is loaded anew; ask again."))
        self._wishes.set(entry.id, wish.options)
        while self._is_wanted(wish):
            try:
                with self._pool.use(entry):
                    self._succeed(wish)
                return
            except ModelLoading:
                loading = any(each.entry.id == entry.id for each in self._pool.loaded())
                if not loading and not self._make_room(wish) and time.monotonic() > deadline:
                    raise

    def _make_room(self, wish: Wish) -> bool:
        """Stop the model that was started longest ago; False, after a moment, if there is none."""
        with self._changed:
            running = [task for task in self._tasks.values() if task.state == "inferring"]
            if not running:
                self._changed.wait(_BREATH)  # some busy model may leave in the meantime
                return False
            oldest = running[0].wish
            self._change(oldest.alias, "complete")
        _log.info("%s makes room for %s", oldest.alias, wish.alias)
        self._unload(oldest)
        return True

    def _succeed(self, wish: Wish) -> None:
        with self._changed:
            if self._is_wanted(wish):
                self._change(wish.alias, "inferring")

    def _fail(self, wish: Wish, why: str) -> None:
        """Give up; who runs the same model under another name gets it back as it was."""
        with self._changed:
            if not self._is_wanted(wish):
                return
            _log.warning("%s could not be started: %s", wish.alias, why)
            self._change(wish.alias, "error", why)
            if (entry := self._found(wish)) is None:
                return
            for alias, other in self._ids().items():
                if other == entry.id:
                    self._change(alias, "queued")
        self._wishes.drop(entry.id)
        self._pool.unload(entry, EngineError(why))
        if wish.options != Options():
            self._registry.note_load(entry)  # it need not be the file's fault

    def _is_wanted(self, wish: Wish) -> bool:
        """Whether it is this wish that is being fulfilled, and not taken back."""
        task = self._tasks.get(wish.alias)
        preparing = task is not None and task.wish is wish and task.state == "preparing"
        return preparing and not self._closed

    def _stop(self, alias: str) -> Task:
        with self._changed:
            if alias not in self._tasks:
                raise NotFound(f"No model was started as '{alias}'; /api/inference lists them.")
            (before,) = self.tasks(alias)
            if not self._tasks[alias].is_active:
                return before
            self._change(alias, "complete")
        self._unload(before.wish)
        return before

    def _unload(self, wish: Wish) -> None:
        """Free the memory of a model that runs under no other name."""
        entry = self._found(wish)
        with self._changed:
            if entry is None or entry.id in self._ids().values():
                return
            self._wishes.drop(entry.id)
        self._pool.unload(entry, ModelLoading("The model was stopped; ask again to load it."))

    def _change(self, alias: str, state: State, error: str = "") -> None:
        """Record a task's new state, here and for the next start."""
        task = replace(self._tasks[alias], state=state, error=error, updated=self._clock())
        self._tasks[alias] = task
        self._remember(lambda: self._memory.keep(task))
        ids = self._ids()
        self._registry.lead(ids)
        self._pool.hold(ids.values())
        self._changed.notify_all()

    def _ids(self) -> dict[str, str]:
        """The models of active tasks, by alias."""
        active = {alias: task.wish for alias, task in self._tasks.items() if task.is_active}
        found = {alias: self._found(wish) for alias, wish in active.items()}
        return {alias: entry.id for alias, entry in found.items() if entry is not None}

    def _found(self, wish: Wish) -> Entry | None:
        try:
            return self.entry(wish)
        except ModelNotFound:
            return None

    def _seen(self, task: Task, loaded: dict[str, Loaded]) -> Task:
        """A task with what its engine does now, which may have ended or be started anew."""
        if task.state != "inferring":
            return task
        try:
            entry = self.entry(task.wish)
        except ModelNotFound as error:
            return replace(task, state="error", error=error.message)
        here = loaded.get(entry.id)
        state = "queued" if here is None else _LIVE.get(here.engine.state, "queued")
        if state != "error":
            return replace(task, state=state)
        return replace(task, state=state, error=self._registry.load_failure(entry) or _FAULT)

    def _forget_the_oldest(self) -> None:
        ended = [alias for alias, task in self._tasks.items() if not task.is_active]
        for alias in ended[: max(0, len(ended) - _MOST_TASKS + 1)]:
            self._forget(alias)

    def _forget(self, alias: str) -> None:
        del self._tasks[alias]
        self._remember(lambda: self._memory.forget(alias))

    def _remember(self, act: Callable[[], None]) -> None:
        """What cannot be kept is lost with the server's end; that is no reason not to do it now."""
        try:
            act()
        except StorageFailed as error:
            _log.error("the next start will not know what was started: %s", error)

    def _rouse(self) -> None:
        if self._thread is None and any(t.state == "queued" for t in self._tasks.values()):
            self._thread = threading.Thread(target=self._run, name="luna-inference", daemon=True)
            self._thread.start()


def _within(wish: Wish, trained: int) -> Wish:
    """A wish for at most as many tokens as the model was trained for; 0 means that is not known."""
    if not trained or wish.options.context <= trained:
        return wish
    return replace(wish, options=replace(wish.options, context=trained))

"""What a loaded model need not compute again, and new prompt caches when it has nothing to do."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from appliance.domain.cancel import CancelToken
from appliance.engines.rkllm.chat.prefix import Build, PrefixStore
from appliance.errors import LunaError

_log = logging.getLogger(__name__)
_LATE = 0.05  # seconds after the store's idle time, so that it is over for sure


class Memory:
    """Guards the store: it is used by one run at a time, and a run comes before a build.

    `build` carries one out and raises why it could not; `idle` is that of the store, in seconds.
    """

    def __init__(
        self, store: PrefixStore, build: Callable[[Build, CancelToken], None], idle: float
    ) -> None:
        self._store = store
        self._build = build
        self._idle = idle
        self._free = threading.Lock()
        self._building: CancelToken | None = None
        self._used = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Make prompt caches from now on."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._make, name="luna-npu-cache", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Make no more; returns when the thread has ended."""
        self._stopping.set()
        self._used.set()
        self._interrupt()
        if self._thread is not None:
            self._thread.join()

    @property
    def running(self) -> bool:
        """Whether there is a run now."""
        return self._free.locked() and self._building is None

    @contextmanager
    def run(self) -> Iterator[PrefixStore]:
        """The store, for a run that is the only one; a build under way is given up."""
        while not self._free.acquire(timeout=_LATE):
            self._interrupt()
        try:
            yield self._store
        finally:
            self._free.release()
            self._used.set()

    def _interrupt(self) -> None:
        building = self._building
        if building is not None:
            building.cancel()

    def _make(self) -> None:
        while not self._stopping.is_set():
            self._used.wait()
            self._used.clear()
            # Every run begins the wait anew.
            while not self._stopping.is_set() and self._used.wait(self._idle + _LATE):
                self._used.clear()
            while not self._stopping.is_set() and not self._used.is_set() and self._make_one():
                pass

    def _make_one(self) -> bool:
        """Whether there was anything to make, and time for it."""
        if not self._free.acquire(blocking=False):
            return False
        try:
            build = self._store.to_build()
            if build is None:
                return False
            self._carry_out(build)
        finally:
            self._building = None
            self._free.release()
        return True

    def _carry_out(self, build: Build) -> None:
        self._building = cancel = CancelToken()
        try:
            self._build(build, cancel)
        except LunaError as error:
            _log.info("a prompt cache of %d tokens was not made: %s", len(build.tokens), error)
            self._store.not_built(build)
        else:
            kept = self._store.built(build)
            _log.info("a prompt cache of %d tokens was made, kept: %s", len(build.tokens), kept)

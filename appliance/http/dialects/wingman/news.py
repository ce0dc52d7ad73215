"""The state of the device as frames: all of it for who comes, then what has changed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from appliance.errors import LunaError
from appliance.http.websocket.handler import Socket

Source = Callable[[], Mapping[str, Any]]
"""What can be told: each frame by a name of its own, under which changes are noticed."""

_log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode


class News:
    """One thread looks at every source once in `seconds`, as long as there are readers.

    So a frame of a name goes out at most that often, however much happens, and never unchanged.
    A source that raises a LunaError has nothing to tell.
    """

    def __init__(self, sources: Sequence[Source], seconds: float = 1.0) -> None:
        self._sources = sources
        self._seconds = seconds
        self._changed = threading.Condition()
        self._newcomers: list[Socket] = []
        self._readers: set[Socket] = set()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._told: dict[str, str] = {}
        self._looked = -seconds

    def join(self, reader: Socket) -> None:
        """Tell a reader everything, and what changes from then on."""
        with self._changed:
            if self._stopping:
                return
            self._newcomers.append(reader)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="luna-news", daemon=True)
                self._thread.start()
            self._changed.notify()

    def leave(self, reader: Socket) -> None:
        """Tell a reader nothing more."""
        with self._changed:
            self._readers.discard(reader)
            self._newcomers = [each for each in self._newcomers if each is not reader]

    def stop(self) -> None:
        """Look once more, so that the last news are told, and end."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while self._wait():
            try:
                self._tell()
            except Exception:  # outermost loop
                _log.exception("The news could not be told")
        self._tell()

    def _wait(self) -> bool:
        """Wait until it is time to look; False at the end."""
        with self._changed:
            while not self._stopping and not self._newcomers:
                left = self._looked + self._seconds - time.monotonic()
                if self._readers and left <= 0:
                    break
                self._changed.wait(left if self._readers else None)
            return not self._stopping

    def _tell(self) -> None:
        changed: list[str] = []
        if time.monotonic() - self._looked >= self._seconds or self._stopping:
            self._looked = time.monotonic()
            frames = dict(self._frames())
            changed = [text for name, text in frames.items() if self._told.get(name) != text]
            self._told = frames
        with self._changed:
            readers, newcomers = tuple(self._readers), tuple(self._newcomers)
            self._readers.update(newcomers)
            self._newcomers.clear()
        for reader in readers:
            for text in changed:
                reader.send(text)
        for newcomer in newcomers:
            for text in self._told.values():
                newcomer.send(text)

    def _frames(self) -> Iterable[tuple[str, str]]:
        for source in self._sources:
            try:
                told = source()
            except LunaError as error:
                _log.debug("no news: %s", error)
                continue
            for name, frame in told.items():
                yield name, _encode(frame).decode()

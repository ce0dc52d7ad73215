"""Signs of life of a model's engine: for how long its requests have waited for one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from appliance.domain.events import Content, Event, Reasoning, ToolCallDelta

_TOKENS = (Content, Reasoning, ToolCallDelta)


@dataclass(frozen=True, slots=True)
class Beat:
    """`tokens` are pieces of answers so far. `silent_s` is how long the engine was waited for.

    It is None while nobody waits. `prefill_tokens` of a prompt may still have to be read.
    """

    tokens: int
    silent_s: float | None
    prefill_tokens: int


@dataclass(slots=True, eq=False)
class _Run:
    """`since` is when the wait for the engine began; None while the engine waits for the caller."""

    since: float | None
    prefill_tokens: int


class Pulse:
    """All runs of one engine; safe to share between threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._runs: set[_Run] = set()
        self._tokens = 0

    def beat(self) -> Beat:
        """How it is now. With several runs, a sign of life for one is one for all."""
        with self._lock:
            now = self._clock()
            waits = [now - run.since for run in self._runs if run.since is not None]
            prefill = max((run.prefill_tokens for run in self._runs), default=0)
            return Beat(self._tokens, min(waits, default=None), prefill)

    def watch(self, events: Iterator[Event], prompt_tokens: int) -> Generator[Event]:
        """The events; a slow reader of them is not taken for a silent engine."""
        with self._run(prompt_tokens) as run:
            for event in events:
                with self._lock:
                    run.since = None
                    if isinstance(event, _TOKENS):
                        self._tokens += 1
                        run.prefill_tokens = 0
                yield event
                with self._lock:
                    run.since = self._clock()

    @contextmanager
    def working(self, tokens: int) -> Iterator[None]:
        """Work on that many tokens of which nothing is heard before its end."""
        with self._run(tokens):
            yield
        with self._lock:
            self._tokens += 1

    @contextmanager
    def _run(self, prompt_tokens: int) -> Iterator[_Run]:
        run = _Run(self._clock(), prompt_tokens)
        with self._lock:
            self._runs.add(run)
        try:
            yield run
        finally:
            with self._lock:
                self._runs.discard(run)

"""Which part of a prompt need not be computed again, and which parts are worth keeping on disk.

The runtime's memory holds the tokens of its last run: a follow-up turn that extends them goes on
from there. A prefix that many prompts share (system message and tools) is kept as a file, made
when there is nothing else to do. In doubt everything is computed: a plan is never wrong.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.engines.rkllm.chat.prefixfiles import Identity, PrefixFiles

_MOST_CANDIDATES = 32


@dataclass(frozen=True, slots=True)
class Plan:
    """How to run a prompt whose first `reused` tokens are computed already.

    With a `cache` load it and run all tokens; else, with `reused`, run the others only and keep
    the history; else clear the context and run all.
    """

    reused: int = 0
    cache: Path | None = None

    @property
    def resumes(self) -> bool:
        """Whether the run goes on from the context in memory."""
        return self.reused > 0 and self.cache is None


@dataclass(frozen=True, slots=True)
class Build:
    """Run `tokens` alone and have their state written to `path`."""

    identity: Identity
    tokens: tuple[int, ...]
    path: Path


class PrefixStore:
    """The policy for one loaded model; for one thread at a time, as runs are.

    `least_tokens` is what makes a prefix worth a file, `least_uses` how many prompts must have had
    it, `idle` the seconds after a run before a file is made: that costs the context in memory,
    which the next turn of the same conversation would have used.
    """

    def __init__(
        self,
        files: PrefixFiles,
        *,
        least_tokens: int = 64,
        least_uses: int = 2,
        idle: float = 20.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._files = files
        self._least_tokens = least_tokens
        self._least_uses = least_uses
        self._idle = idle
        self._clock = clock
        self._held: tuple[Identity, tuple[int, ...]] | None = None
        self._candidates: OrderedDict[tuple[Identity, tuple[int, ...]], int] = OrderedDict()
        self._hopeless: set[tuple[Identity, tuple[int, ...]]] = set()
        self._last_run = clock()

    def plan(self, identity: Identity, tokens: Sequence[int]) -> Plan:
        """The best start for a prompt that is run now.

        From here on nothing is known of the runtime's memory until `ran` tells it, so a run that
        fails, is aborted or dies is forgotten by itself.
        """
        tokens = tuple(tokens)
        held, self._held = self._held, None
        self._last_run = self._clock()
        resumed = 0
        if held is not None and held[0] == identity and len(held[1]) < len(tokens):
            resumed = len(held[1]) if tokens[: len(held[1])] == held[1] else 0
        found = self._files.find(identity, tokens)
        if found is not None and found[1] > resumed:
            return Plan(found[1], found[0])
        return Plan(resumed)

    def ran(
        self, identity: Identity, prompt: Sequence[int], generated: Sequence[int], size: int
    ) -> None:
        """A run has ended by itself, and the runtime says that it holds `size` tokens now.

        The last generated token is often not among them. Any other count means that the runtime
        did something that is not understood here, and nothing is reused.
        """
        self._last_run = self._clock()
        tokens = (*prompt, *generated)
        self._held = (identity, tokens[:size]) if len(prompt) <= size <= len(tokens) else None

    def forget(self) -> None:
        """The runtime's memory was cleared, or its process is a new one."""
        self._held = None

    def saw(self, identity: Identity, prefix: Sequence[int]) -> None:
        """A prompt began with this prefix, which others may share."""
        key = (identity, tuple(prefix))
        if len(prefix) < self._least_tokens or key in self._hopeless or self._files.has(*key):
            return
        self._candidates[key] = self._candidates.pop(key, 0) + 1
        if len(self._candidates) > _MOST_CANDIDATES:
            self._candidates.popitem(last=False)

    def to_build(self) -> Build | None:
        """What is worth being made now, as nothing runs; the memory is lost with it.

        Tell `built` or `not_built` afterwards.
        """
        if self._clock() - self._last_run < self._idle:
            return None
        ready = [key for key, uses in self._candidates.items() if uses >= self._least_uses]
        if not ready:
            return None
        best = max(ready, key=lambda key: self._candidates[key] * len(key[1]))
        del self._candidates[best]
        self._held = None
        return Build(*best, self._files.place(*best))

    def built(self, build: Build) -> bool:
        """The state was written; whether it is kept."""
        kept = self._files.add(build.identity, build.tokens)
        if not kept:
            if len(self._hopeless) >= _MOST_CANDIDATES:
                self._hopeless.clear()
            self._hopeless.add((build.identity, build.tokens))
        return kept

    def not_built(self, build: Build) -> None:
        """It failed or was interrupted; a prompt with this prefix makes it a candidate again."""
        self._files.drop(build.path)

    def refused(self, plan: Plan) -> None:
        """The runtime did not accept the plan's file; it is removed. Make a new plan."""
        if plan.cache is not None:
            self._files.drop(plan.cache)

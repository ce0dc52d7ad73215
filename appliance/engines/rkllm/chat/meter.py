"""How much a chat template may do: characters and steps that it spends, and a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from jinja2 import TemplateRuntimeError

_COMPARED = 64
"""A comparison of texts costs this part of their length: it is as fast as memory."""


class TooMuchWork(TemplateRuntimeError):
    """The template does more than any honest one needs."""


class Meter:
    """Spent by everything that a template makes; raises TooMuchWork when nothing is left.

    `work` is in characters of text, or steps of a loop; `seconds` is a limit beside it.
    """

    def __init__(
        self, work: int, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._left = work
        self._deadline = clock() + seconds
        self._clock = clock

    def spend(self, amount: int = 1) -> None:
        """Spend `amount`, before the work is done."""
        self._left -= amount
        if self._left < 0 or self._clock() > self._deadline:
            raise TooMuchWork("it does far more work than a conversation needs")

    def text(self, value: Any) -> None:
        """Spend what `value` costs when it is written as text."""
        self._weigh(value, 1)

    def compared(self, value: Any) -> Any:
        """Spend what it costs to compare `value`, and return it."""
        self._weigh(value, _COMPARED)
        return value

    def made(self, value: Any) -> Any:
        """Spend what a new `value` took to make, and return it; a list only refers to its items."""
        if isinstance(value, str | list | tuple):
            self.spend(1 + len(value))
        elif isinstance(value, int):
            self.spend(1 + value.bit_length() // 4)
        return value

    def steps(self, values: Iterable[Any]) -> Iterator[Any]:
        """The same values, each for one."""
        for value in values:
            self.spend()
            yield value

    def _weigh(self, value: Any, share: int) -> None:
        waiting = [value]
        while waiting:
            each = waiting.pop()
            if isinstance(each, str):
                self.spend(1 + len(each) // share)
            elif isinstance(each, int):
                self.spend(1 + each.bit_length() // 4)
            else:
                self.spend()
                if isinstance(each, dict):
                    waiting += each.keys()
                    waiting += each.values()
                elif isinstance(each, list | tuple):
                    waiting += each

"""Logging: lines on stderr, as journald and a terminal both like them; the last in memory too."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal, get_args

from appliance.observe.feed import Feed
from appliance.observe.secrets import redacted

Level = Literal["debug", "info", "warn", "error"]
LEVELS: Final[tuple[Level, ...]] = get_args(Level)
_ENTRIES = 1000
_ROOM = 1_000_000  # characters of all entries together
_LONGEST_MESSAGE = 2000
_LONGEST_STACK = 8000
_PACKAGE = "appliance."


def set_up(*, verbose: bool = False, access: bool = True) -> None:
    """Send the log to stderr; `access` also has a line for every request."""
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname).1s %(name)s: %(message)s",
        force=True,
    )
    logging.getLogger("luna.access").setLevel(logging.INFO if access else logging.WARNING)


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A line of the log; `timestamp` is in Unix seconds, `stack` the traceback of a fault."""

    level: Level
    service: str
    message: str
    timestamp: float
    stack: str | None = None

    @property
    def size(self) -> int:
        """Characters."""
        return len(self.service) + len(self.message) + len(self.stack or "")


class Logbook(logging.Handler):
    """The last lines of the log, without secrets; those who listen to `news` hear each one.

    They must not log themselves."""

    def __init__(self, entries: int = _ENTRIES, room: int = _ROOM) -> None:
        super().__init__()
        self.news: Feed[LogEntry] = Feed()
        self._most = entries
        self._room = room
        self._lines: deque[LogEntry] = deque()
        self._size = 0
        self._guard = threading.Lock()
        self._stacks = logging.Formatter()

    def handle(self, record: logging.LogRecord) -> bool:
        """Without the lock of every handler: who listens may wait for somebody who logs."""
        kept = self.filter(record)
        if kept:
            self.emit(record if kept is True else kept)
        return bool(kept)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line, and let the oldest go that have no room any more."""
        try:
            entry = self._entry(record)
        except (TypeError, ValueError):
            self.handleError(record)  # its text and its arguments do not fit
            return
        with self._guard:
            self._lines.append(entry)
            self._size += entry.size
            while len(self._lines) > self._most or self._size > self._room:
                self._size -= self._lines.popleft().size
        self.news.tell(entry)

    def entries(
        self, levels: Collection[Level] = (), since: float = 0.0, limit: int = 100
    ) -> list[LogEntry]:
        """The newest `limit` lines of these levels (none: all) from `since` on, in order."""
        with self._guard:
            lines = tuple(self._lines)
        wanted = (
            entry
            for entry in lines
            if entry.timestamp >= since and (not levels or entry.level in levels)
        )
        return list(deque(wanted, maxlen=limit))

    def _entry(self, record: logging.LogRecord) -> LogEntry:
        stack = self._stacks.formatException(record.exc_info) if record.exc_info else None
        return LogEntry(
            level=_level(record.levelno),
            service=record.name.removeprefix(_PACKAGE),
            message=_safe(record.getMessage(), _LONGEST_MESSAGE),
            timestamp=record.created,
            stack=None if stack is None else _safe(stack, _LONGEST_STACK),
        )


def _safe(text: str, most: int) -> str:
    """Without secrets, which must be looked for before one of them is cut in half."""
    return redacted(text[: 2 * most])[:most]


def _level(number: int) -> Level:
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warn"
    return "info" if number >= logging.INFO else "debug"

"""Handlers of Browser LLM's API that help to find faults: the log, and the speed of late runs."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET

from appliance.errors import BadRequest
from appliance.http.dialects.browserllm import answers, frame
from appliance.http.exchange import Reply, Request, json_reply
from appliance.observe.logbook import LEVELS, Level, Logbook, LogEntry
from appliance.observe.profile import METRICS, Profile, Sample, spread

_LOGS = 100
_MOST_LOGS = 1000
_MILLISECONDS = 1e11  # nobody means the year 5138: browsers count milliseconds

Number = TypeVar("Number", int, float)


class Debug:
    """`clock` gives Unix seconds."""

    def __init__(
        self, logbook: Logbook, profile: Profile, clock: Callable[[], float] = time.time
    ) -> None:
        self._logbook = logbook
        self._profile = profile
        self._clock = clock

    def logs(self, request: Request) -> Reply:
        """GET /api/v1/debug/logs."""
        query = request.query
        limit = _number(query, "limit", int, _LOGS, most=_MOST_LOGS)
        entries = self._logbook.entries(_levels(query), _since(query), limit)
        return self._reply(answers.BrowserLlmLogs([log(entry) for entry in entries]), request)

    def profile(self, request: Request) -> Reply:
        """GET /api/v1/debug/profile."""
        wanted, since = request.query.get("metric", ""), _since(request.query)
        if wanted and wanted not in METRICS:
            raise BadRequest(f"'metric' is one of {', '.join(METRICS)}.", param="metric")
        series = [self._series(name, since) for name in METRICS if wanted in ("", name)]
        return self._reply(answers.BrowserLlmProfile([s for s in series if s]), request)

    def _series(self, name: str, since: float) -> answers.BrowserLlmMetric | None:
        samples = self._profile.samples(name, since)
        if not samples:
            return None
        found = spread([sample.value for sample in samples])
        figures = (found.average, found.least, found.most, found.p50, found.p95, found.p99)
        aggregations = answers.BrowserLlmAggregations(*(round(figure, 3) for figure in figures))
        return answers.BrowserLlmMetric(name, [value(each) for each in samples], aggregations)

    def _reply(self, data: Any, request: Request) -> Reply:
        return json_reply(frame.success(data, request.caller.request_id, self._clock()))


def log(entry: LogEntry) -> answers.BrowserLlmLog:
    """A line of the log."""
    return answers.BrowserLlmLog(
        entry.level, entry.service, entry.message, entry.timestamp, entry.stack or UNSET
    )


def value(sample: Sample) -> answers.BrowserLlmValue:
    """A figure of a series."""
    return answers.BrowserLlmValue(round(sample.value, 3), sample.timestamp, dict(sample.tags))


def _levels(query: Mapping[str, str]) -> frozenset[Level]:
    """The levels that are asked for, with commas between them; none means all."""
    names = [name.strip().lower() for name in query.get("level", "").split(",")]
    try:
        return msgspec.convert([name for name in names if name], frozenset[Level])
    except msgspec.ValidationError as error:
        raise BadRequest(f"'level' is one of {', '.join(LEVELS)}.", param="level") from error


def _since(query: Mapping[str, str]) -> float:
    """Unix seconds; milliseconds are understood too."""
    since = _number(query, "since", float, 0.0)
    return since / 1000 if since >= _MILLISECONDS else since


def _number(
    query: Mapping[str, str],
    name: str,
    kind: Callable[[str], Number],
    default: Number,
    most: float = math.inf,
) -> Number:
    """A number from 0 (a count: from 1) to `most`."""
    if (text := query.get(name)) is None:
        return default
    try:
        number = kind(text)
    except ValueError as error:
        raise BadRequest(f"'{name}' is a number, not '{text[:40]}'.", param=name) from error
    least = 1 if isinstance(number, int) else 0
    if not (least <= number <= most and math.isfinite(number)):
        upper = "" if most == math.inf else f" to {most:g}"
        raise BadRequest(f"'{name}' is a number from {least}{upper}.", param=name)
    return number

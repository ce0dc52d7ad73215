"""What the server counts of its own work, for Prometheus; nothing here is global."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from appliance.domain.events import (
    Content,
    Event,
    Finish,
    Progress,
    Reasoning,
    ToolCallDelta,
)
from appliance.errors import Cancelled, LunaError
from appliance.observe.tallies import Labels, Spread, Spreads, Tally

_TOKENS = (Content, Reasoning, ToolCallDelta)
_METHODS = frozenset("GET POST PUT DELETE HEAD OPTIONS PATCH".split())
_GAPS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)
_WAITS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)


class RunMeter:
    """Watches one run; each token costs a clock reading and one addition."""

    def __init__(
        self, model: str, asked: float, clock: Callable[[], float], request_id: str = ""
    ) -> None:
        self.model = model
        self.request_id = request_id
        self.waited = clock() - asked  # seconds in the queue
        self.took = 0.0  # seconds from the question to the end, once it is over
        self.failed = False
        self.gaps = Spread(_GAPS)
        self.first: float | None = None  # seconds from the question to the first token
        self.prompt = 0
        self.tokens = 0
        self.finish: Finish | None = None
        self._asked = asked
        self._clock = clock
        self._last = 0.0

    @property
    def age(self) -> float:
        """Seconds since the question."""
        return self._clock() - self._asked

    def note(self, event: Event) -> None:
        """Take one event of the run in."""
        if isinstance(event, _TOKENS):
            now = self._clock()
            if self.tokens:
                self.gaps.add(now - self._last)
            else:
                self.first = now - self._asked
            self._last = now
            self.tokens += 1
        elif isinstance(event, Progress):
            self.prompt = event.total
        elif isinstance(event, Finish):
            self.finish = event


class Metrics(Collector):
    """Counts of requests and runs; `clock` is in seconds, `ended` hears of each run at its end."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        ended: Callable[[RunMeter], None] = lambda meter: None,
    ) -> None:
        self.clock = clock
        self._tell = ended
        self._lock = threading.Lock()
        self._running: set[RunMeter] = set()
        self._most_tokens = 0
        self._requests, self._runs = Tally(), Tally()
        self._seconds = Spreads(_WAITS)
        self._waits, self._firsts, self._gaps = Spreads(_WAITS), Spreads(_WAITS), Spreads(_GAPS)
        self._read, self._cached, self._written = Tally(), Tally(), Tally()
        self._reading, self._writing = Tally(), Tally()

    def request(self, route: str, method: str, status: str, seconds: float) -> None:
        """Count an answered request; `route` is a path of the route table, "" for none."""
        known = method if method in _METHODS else "other"
        self._requests.add(route, known, status)
        self._seconds.add(route, value=seconds)

    @contextmanager
    def run(self, model: str, asked: float, request_id: str = "") -> Iterator[RunMeter]:
        """A run that left the queue, in which it had been since `asked` by our clock.

        If its meter saw no end, it failed or its caller went away.
        """
        meter = RunMeter(model, asked, self.clock, request_id)
        self._waits.add(model, value=meter.waited)
        with self._lock:
            self._running.add(meter)
        try:
            yield meter
        except LunaError as error:
            meter.failed = not isinstance(error, Cancelled)
            raise
        finally:
            with self._lock:
                self._running.discard(meter)
            meter.took = self.clock() - asked
            self._ended(meter)
            self._tell(meter)

    def _ended(self, meter: RunMeter) -> None:
        model, finish = meter.model, meter.finish
        self._gaps.merge(model, more=meter.gaps)
        if meter.first is not None:
            self._firsts.add(model, value=meter.first)
        self._runs.add(model, finish.reason if finish else "broken_off")
        if finish is None:
            return
        with self._lock:
            held = finish.usage.prompt + finish.usage.completion
            self._most_tokens = max(self._most_tokens, held)
        self._cached.add(model, amount=finish.usage.cached)
        self._written.add(model, amount=finish.usage.completion)
        timings = finish.timings
        self._read.add(model, amount=finish.usage.prompt - finish.usage.cached)
        if timings is not None:
            self._reading.add(model, amount=timings.prompt_ms / 1000)
            self._writing.add(model, amount=timings.generated_ms / 1000)

    def running(self) -> tuple[RunMeter, ...]:
        """The meters of the runs at work."""
        with self._lock:
            return tuple(self._running)

    def held(self) -> int:
        """Tokens of prompts and answers of the runs at work."""
        with self._lock:
            return sum(meter.prompt + meter.tokens for meter in self._running)

    def collect(self) -> Iterator[Metric]:
        """Everything, as families of Prometheus: our own names, then llama.cpp's."""
        yield _counter(
            "luna_http_requests", "Answered requests", "route method status", self._requests
        )
        yield _histogram(
            "luna_http_request_seconds",
            "From the header of a request to the end of its answer",
            "route",
            self._seconds,
        )
        model = "model"
        yield _histogram("luna_queue_wait_seconds", "Wait for a slot", model, self._waits)
        yield _histogram(
            "luna_time_to_first_token_seconds",
            "From the question to the first token, the wait for a slot included",
            model,
            self._firsts,
        )
        yield _histogram(
            "luna_time_between_tokens_seconds",
            "From one token of a run to the next",
            model,
            self._gaps,
        )
        yield _counter("luna_runs", "Runs that ended, by how", "model reason", self._runs)
        for name, text, tally in (
            ("luna_prompt_tokens", "Tokens of prompts that were computed", self._read),
            ("luna_prompt_cached_tokens", "Tokens of prompts taken from a cache", self._cached),
            ("luna_prompt_seconds", "Time spent on reading prompts", self._reading),
            ("luna_generated_tokens", "Tokens of answers", self._written),
            ("luna_generation_seconds", "Time spent on generating", self._writing),
        ):
            yield _counter(name, text, model, tally)
        yield from self._as_llamacpp()

    def _as_llamacpp(self) -> Iterator[Metric]:
        """What llama.cpp's own server calls the same, over all models."""
        read, reading = self._read.total(), self._reading.total()
        written, writing = self._written.total(), self._writing.total()
        for name, text, value in (
            ("prompt_tokens", "Tokens of prompts that were computed", read),
            ("prompt_tokens_cached", "Tokens of prompts taken from a cache", self._cached.total()),
            ("prompt_seconds", "Time spent on reading prompts", reading),
            ("tokens_predicted", "Tokens of answers", written),
            ("tokens_predicted_seconds", "Time spent on generating", writing),
        ):
            yield CounterMetricFamily(f"llamacpp:{name}", text, value=value)
        for name, text, value in (
            (
                "prompt_tokens_seconds",
                "Tokens of prompts read per second, on average",
                read / reading if reading else 0.0,
            ),
            (
                "predicted_tokens_seconds",
                "Tokens generated per second, on average",
                written / writing if writing else 0.0,
            ),
            ("n_tokens_max", "The longest prompt and answer together", self._most_tokens),
            ("kv_cache_tokens", "Tokens of prompts and answers of the runs at work", self.held()),
        ):
            yield GaugeMetricFamily(f"llamacpp:{name}", text, value=value)


def page_of(*collectors: Collector) -> Callable[[], bytes]:
    """What makes the page of all that they collect, in Prometheus's text format 0.0.4."""
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    return partial(generate_latest, registry)


def gauge(name: str, text: str, labels: str, values: Sequence[tuple[Labels, float]]) -> Metric:
    """A family of gauges; `labels` are the names of their labels."""
    family = GaugeMetricFamily(name, text, labels=labels.split())
    for names, value in values:
        family.add_metric(names, value)
    return family


def _counter(name: str, text: str, labels: str, tally: Tally) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels.split())
    for names, value in tally:
        family.add_metric(names, value)
    return family


def _histogram(name: str, text: str, labels: str, spreads: Spreads) -> Metric:
    family = HistogramMetricFamily(name, text, labels=labels.split())
    for names, buckets, total in spreads:
        family.add_metric(names, buckets, total)
    return family

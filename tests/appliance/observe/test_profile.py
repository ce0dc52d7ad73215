from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.events import Content, Finish, Timings, Usage
from appliance.errors import Cancelled, EngineDied
from appliance.observe.metrics import Metrics
from appliance.observe.profile import METRICS, Averages, Outcomes, Profile, Sample, spread

END = Finish("stop", Usage(12, 4), Timings(12, 6.0, 4, 8.0))


class Desk:
    """Metrics and the profile that hears of their runs; both clocks are set by hand."""

    def __init__(self, length: int = 1000) -> None:
        self.now = 100.0
        self.profile = Profile(lambda: 1700000000 + self.now, length)
        self.metrics = Metrics(lambda: self.now, self.profile.note)

    def run(self, model: str = "m", *, waited: float = 0.5, id: str = "req_1") -> None:
        """A run that waits, says one thing after a second, and ends after two."""
        asked = self.now
        self.now += waited
        with self.metrics.run(model, asked, id) as meter:
            self.now += 1.0
            meter.note(Content("a"))
            self.now += 1.0
            meter.note(END)

    def fail(self, error: BaseException) -> None:
        """A run that ends badly before it has said anything."""
        with pytest.raises(type(error)), self.metrics.run("m", self.now):
            raise error


def values(profile: Profile) -> dict[str, list[float]]:
    return {name: [sample.value for sample in profile.samples(name)] for name in METRICS}


def test_what_a_run_tells() -> None:
    desk = Desk()
    desk.run()
    assert values(desk.profile) == {
        "tokens_per_second": [500.0],
        "prompt_tokens_per_second": [2000.0],
        "latency_ms": [1500.0],
        "queue_ms": [500.0],
        "total_time_ms": [2500.0],
        "prompt_tokens": [12],
        "completion_tokens": [4],
    }
    tags = {"model": "m", "request_id": "req_1"}
    wanted = Sample("latency_ms", 1500.0, 1700000102.5, tags)
    assert desk.profile.samples("latency_ms") == (wanted,)


def test_a_run_that_broke_off_tells_little() -> None:
    desk = Desk()
    desk.fail(EngineDied("It died."))
    assert {name for name, found in values(desk.profile).items() if found} == {"queue_ms"}


def test_how_runs_ended() -> None:
    desk = Desk()
    assert desk.profile.outcomes() == Outcomes(0, 0, 0)
    desk.run()
    desk.run()
    desk.fail(EngineDied("It died."))
    desk.fail(Cancelled("He left."))
    desk.fail(GeneratorExit())
    outcomes = desk.profile.outcomes()
    assert outcomes == Outcomes(2, 1, 2)
    assert outcomes.total == 5


def test_averages_of_one_model_and_of_all() -> None:
    desk = Desk()
    assert desk.profile.averages() == Averages(0.0, 0.0)
    desk.run("a", waited=0.0)
    desk.run("b", waited=1.0)
    desk.fail(EngineDied("It died."))
    assert desk.profile.averages("a") == Averages(500.0, 1000.0)
    assert desk.profile.averages("b") == Averages(500.0, 2000.0)
    assert desk.profile.averages() == Averages(500.0, 1500.0)
    assert desk.profile.averages("c") == Averages(0.0, 0.0)


def test_since_and_unknown_names() -> None:
    desk = Desk()
    for _ in range(3):
        desk.run()
    times = [sample.timestamp for sample in desk.profile.samples("queue_ms")]
    assert len(desk.profile.samples("queue_ms", since=times[1])) == 2
    assert desk.profile.samples("queue_ms", since=times[2] + 1) == ()
    assert desk.profile.samples("no_such_thing") == ()


def test_memory_is_bounded() -> None:
    desk = Desk(length=10)
    for number in range(100):
        desk.run(id=str(number))
    for name in METRICS:
        kept = [sample.tags["request_id"] for sample in desk.profile.samples(name)]
        assert kept == [str(number) for number in range(90, 100)]
    assert desk.profile.outcomes().total == 100


def test_who_listens_hears_each_figure() -> None:
    desk = Desk()
    heard: list[Sample] = []
    leave = desk.profile.news.listen(heard.append)
    desk.run()
    leave()
    desk.run()
    assert sorted(sample.name for sample in heard) == sorted(METRICS)


def test_the_spread_of_a_hundred_values() -> None:
    found = spread([float(value) for value in range(100, 0, -1)])
    assert (found.least, found.most, found.average) == (1.0, 100.0, 50.5)
    assert (found.p50, found.p95, found.p99) == (50.0, 95.0, 99.0)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1))
def test_percentiles_are_values_in_order(values: list[float]) -> None:
    found = spread(values)
    assert {found.least, found.p50, found.p95, found.p99, found.most} <= set(values)
    assert found.least <= found.p50 <= found.p95 <= found.p99 <= found.most
    slack = 1e-6 * max(1.0, *map(abs, values))
    assert found.least - slack <= found.average <= found.most + slack

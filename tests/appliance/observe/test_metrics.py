from __future__ import annotations

import pytest
from prometheus_client.core import Metric

from appliance.domain.events import Content, Finish, Progress, Reasoning, Timings, Usage
from appliance.errors import EngineDied
from appliance.observe.metrics import Metrics, page_of

FINISH = Finish("stop", Usage(12, 3, 5), Timings(7, 500.0, 3, 250.0))


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def metrics(clock: Clock) -> Metrics:
    return Metrics(clock)


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """The sample with that name and at least those labels."""
    families: list[Metric] = list(metrics.collect())
    found = [
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    assert len(found) <= 1
    return found[0] if found else None


def run(metrics: Metrics, clock: Clock) -> None:
    with metrics.run("m", asked=99.0) as meter:
        meter.note(Progress(12, 12, 5))
        for pause in (0.5, 0.05, 0.25):
            clock.now += pause
            meter.note(Content("a"))
        meter.note(FINISH)


def test_a_run_is_counted(metrics: Metrics, clock: Clock) -> None:
    run(metrics, clock)
    assert value(metrics, "luna_runs_total", model="m", reason="stop") == 1
    assert value(metrics, "luna_queue_wait_seconds_sum", model="m") == 1.0
    assert value(metrics, "luna_time_to_first_token_seconds_sum") == 1.5
    assert value(metrics, "luna_time_between_tokens_seconds_count") == 2
    assert value(metrics, "luna_time_between_tokens_seconds_sum") == pytest.approx(0.3)
    assert value(metrics, "luna_time_between_tokens_seconds_bucket", le="0.1") == 1
    assert value(metrics, "luna_prompt_tokens_total") == 7
    assert value(metrics, "luna_prompt_cached_tokens_total") == 5
    assert value(metrics, "luna_generated_tokens_total") == 3
    assert value(metrics, "luna_prompt_seconds_total") == 0.5
    assert value(metrics, "luna_generation_seconds_total") == 0.25


def test_llama_cpps_names_sum_over_all_models(metrics: Metrics, clock: Clock) -> None:
    run(metrics, clock)
    with metrics.run("other", asked=clock()) as meter:
        meter.note(FINISH)
    assert value(metrics, "llamacpp:prompt_tokens_total") == 14
    assert value(metrics, "llamacpp:tokens_predicted_total") == 6
    assert value(metrics, "llamacpp:prompt_seconds_total") == 1.0
    assert value(metrics, "llamacpp:tokens_predicted_seconds_total") == 0.5
    assert value(metrics, "llamacpp:prompt_tokens_seconds") == 14.0
    assert value(metrics, "llamacpp:predicted_tokens_seconds") == 12.0
    assert value(metrics, "llamacpp:n_tokens_max") == 15


def test_before_the_first_run_speeds_are_zero(metrics: Metrics) -> None:
    assert value(metrics, "llamacpp:predicted_tokens_seconds") == 0
    assert value(metrics, "luna_runs_total") is None


def test_a_run_at_work_holds_tokens_until_it_breaks_off(metrics: Metrics, clock: Clock) -> None:
    def broken_off() -> None:
        with metrics.run("m", asked=clock()) as meter:
            meter.note(Progress(4, 12))
            meter.note(Reasoning("hm"))
            assert metrics.held() == 13
            assert value(metrics, "llamacpp:kv_cache_tokens") == 13
            raise EngineDied("It broke.")

    with pytest.raises(EngineDied):
        broken_off()
    assert metrics.held() == 0
    assert value(metrics, "luna_runs_total", reason="broken_off") == 1
    assert value(metrics, "luna_time_to_first_token_seconds_count") == 1


def test_requests_are_counted_by_route_and_status(metrics: Metrics) -> None:
    metrics.request("/v1/models/{id}", "GET", "200", 0.02)
    metrics.request("/v1/models/{id}", "GET", "200", 0.03)
    metrics.request("", "FROBNICATE", "404", 0.0)
    labels = {"route": "/v1/models/{id}", "method": "GET", "status": "200"}
    assert value(metrics, "luna_http_requests_total", **labels) == 2
    assert value(metrics, "luna_http_requests_total", route="", method="other", status="404") == 1
    assert value(metrics, "luna_http_request_seconds_sum", route="/v1/models/{id}") == 0.05


def test_the_page_is_text(metrics: Metrics, clock: Clock) -> None:
    run(metrics, clock)
    page = page_of(metrics)
    lines = page().decode().splitlines()
    assert 'luna_runs_total{model="m",reason="stop"} 1.0' in lines
    assert "llamacpp:tokens_predicted_total 3.0" in lines
    assert not any("_created" in line for line in lines)
    run(metrics, clock)
    assert 'luna_runs_total{model="m",reason="stop"} 2.0' in page().decode().splitlines()

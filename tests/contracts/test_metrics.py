"""/metrics from the outside: what Prometheus and llama.cpp's watchers read."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.helpers.server import RunningLuna
from tests.helpers.wire import Response, Wire, eventually

pytestmark = pytest.mark.needs("engine")
LLAMA_CPP = """prompt_tokens_total prompt_seconds_total tokens_predicted_total
    tokens_predicted_seconds_total prompt_tokens_seconds predicted_tokens_seconds
    kv_cache_usage_ratio kv_cache_tokens requests_processing requests_deferred""".split()


def page(luna: RunningLuna) -> Response:
    with Wire(luna.port) as wire:
        return wire.request("/metrics")


def samples(luna: RunningLuna) -> Iterator[tuple[str, dict[str, str], float]]:
    for family in text_string_to_metric_families(page(luna).body.decode()):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value


def value(luna: RunningLuna, name: str, **labels: str) -> float:
    for known, its_labels, number in samples(luna):
        if known == name and labels.items() <= its_labels.items():
            return number
    return 0.0


def test_it_is_prometheus_text(luna: RunningLuna) -> None:
    answer = page(luna)
    assert answer.status == 200
    assert answer.fields["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert int(answer.fields["process-start-time-unix"]) > 1_700_000_000
    names = {name for name, _, _ in samples(luna)}
    assert names >= {f"llamacpp:{name}" for name in LLAMA_CPP}
    assert names >= {"luna_connections", "luna_memory_size_bytes", "luna_engine_restarts_total"}


def test_a_run_shows(luna: RunningLuna) -> None:
    def counts() -> tuple[float, ...]:
        route = {"route": "/completion", "status": "200", "method": "POST"}
        return (
            value(luna, "luna_http_requests_total", **route),
            value(luna, "luna_generated_tokens_total", model="tiny"),
            value(luna, "llamacpp:tokens_predicted_total"),
            value(luna, "luna_time_to_first_token_seconds_count", model="tiny"),
            value(luna, "luna_queue_wait_seconds_count", model="tiny"),
        )

    before = counts()
    with Wire(luna.port) as wire:
        body = json.dumps({"prompt": "the quick", "n_predict": 7}).encode()
        assert wire.request("/completion", body=body).status == 200
    eventually(lambda: counts()[0] > before[0], "the count of the request")
    after = counts()
    assert [b - a for a, b in zip(before, after, strict=True)] == [1, 7, 7, 1, 1]


def test_paths_that_nobody_knows_make_no_new_series(luna: RunningLuna) -> None:
    for number in range(3):
        with Wire(luna.port) as wire:
            assert wire.request(f"/nothing/{number}").status == 404
    routes = {labels.get("route", "") for _, labels, _ in samples(luna)}
    assert not any("nothing" in route for route in routes)
    assert value(luna, "luna_http_requests_total", route="", status="404") >= 3


@pytest.mark.needs("promtool")
def test_promtool_has_nothing_to_say_but_that_llama_cpp_has_colons(luna: RunningLuna) -> None:
    text = page(luna).body
    plain = subprocess.run(
        ["promtool", "check", "metrics"],
        input=text.replace(b"llamacpp:", b"llamacpp_"),
        capture_output=True,
        check=False,
    )
    assert plain.returncode == 0, plain.stderr.decode()
    assert not plain.stderr + plain.stdout
    whole = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, check=False
    )
    for line in whole.stderr.decode().splitlines():
        assert line.startswith("llamacpp:")
        assert line.endswith("metric names should not contain ':'")

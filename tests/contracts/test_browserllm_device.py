"""The other routes of Browser LLM's API: models, state, log, profile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.observe.profile import METRICS
from tests.contracts.browserllm import Api, Refused
from tests.helpers.server import RunningLuna, tiny_model
from tests.helpers.wire import eventually

pytestmark = pytest.mark.needs("engine")
MODEL = {
    "id": str,
    "name": str,
    "size": str,
    "vram_required": str,
    "downloaded": bool,
    "speed_tier": str,
    "quality_tier": str,
    "capabilities": list,
}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory, slow_model: Path) -> Iterator[RunningLuna]:
    """A server of our own, with two models, of which only the default one is loaded."""
    environ = {"LUNA_MODELS_DEFAULT": "tiny", "LUNA_MODELS_LOAD_WAIT_SECONDS": "60"}
    folder = tmp_path_factory.mktemp("fresh")
    with RunningLuna(folder, models=[tiny_model(), slow_model], environ=environ) as running:
        running.wait_loaded()
        yield running


@pytest.fixture
def api(fresh: RunningLuna) -> Api:
    return Api(fresh.port)


def test_models(api: Api) -> None:
    models = api.get("/models")["models"]
    assert [model["id"] for model in models] == ["tiny", "luna-guide", "slow"]
    for model in models:
        assert {key: type(value) for key, value in model.items()} == MODEL
        assert model["downloaded"] is True
        assert {"text-generation", "json-mode"} <= set(model["capabilities"])


def test_the_details_of_a_model(api: Api) -> None:
    for name in ("tiny", "luna-small"):
        told = api.get(f"/models/{name}")
        assert told["id"] == "tiny"
        assert told["parameters"].keys() == {"total", "quantization"}
        assert told["parameters"]["quantization"] == "F16"
        assert "CPU" in told["description"]
    api.generate()
    measured = api.get("/models/tiny")["performance"]
    assert measured["avg_tokens_per_second"] > 0
    assert measured["avg_latency_ms"] > 0


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_model_that_is_not_there(api: Api, method: str) -> None:
    with pytest.raises(Refused) as caught:
        api.get("/models/no/such") if method == "get" else api.post("/models/no/such/load")
    assert (caught.value.status, caught.value.code) == (404, "MODEL_NOT_LOADED")
    assert "no/such" in caught.value.message


def test_who_loads_a_model_is_answered_by_it(api: Api) -> None:
    assert api.post("/models/tiny/load") == {
        "model_id": "tiny",
        "status": "loaded",
        "progress": 100,
    }
    answers: list[Any] = []

    def loaded() -> bool:
        answers.append((api.post("/models/slow/load"), api.last.status))
        return bool(answers[-1][0]["status"] == "loaded")

    eventually(loaded, "the slow model")
    *before, (last, status) = answers
    assert (status, last["progress"]) == (200, 100)
    assert before, "it was loaded at once"
    for told, code in before:
        assert (code, told["status"], told["model_id"]) == (202, "loading", "slow")
        assert 0 <= told["progress"] < 100
        assert told.get("estimated_time_ms", 0) >= 0
    assert api.get("/status")["model"] == {"id": "slow", "loaded": True}
    runs = len(values(api, "slow"))
    api.generate(max_tokens=1)
    assert len(values(api, "slow")) == runs + 1
    api.post("/models/tiny/load")
    assert api.get("/status")["model"] == {"id": "tiny", "loaded": True}


def values(api: Api, model: str) -> list[Any]:
    """What the profile knows of the latency of a model."""
    metrics = api.get("/debug/profile?metric=latency_ms")["metrics"]
    found = [value for metric in metrics for value in metric["values"]]
    return [value for value in found if value["tags"]["model"] == model]


def test_status(api: Api) -> None:
    before = api.get("/status")["performance"]
    api.generate()
    with pytest.raises(Refused):
        api.generate("word " * 20_000)
    told = api.get("/status")
    assert told["status"] == "ready"
    system = told["system"]
    assert system["webgpu_available"] is False
    assert system["ram_gb"] > 0
    assert system["gpu_vram_gb"] >= 0
    assert 0 <= system["storage_used_gb"] < system["storage_quota_gb"]
    assert system["npu"]["available"] is (system["npu"]["reason"] is None)
    after = told["performance"]
    assert after["requests_total"] == before["requests_total"] + 2
    assert after["requests_success"] == before["requests_success"] + 1
    assert after["requests_error"] == before["requests_error"] + 1
    assert after["avg_tokens_per_second"] > 0
    health = told["health"]
    assert health["webgpu_context_losses"] == 0
    assert isinstance(health["memory_errors"], int)
    assert 0 < health["stability_score"] < 100
    assert health["engine_restarts"] == 0


def test_the_log_has_what_just_happened(api: Api) -> None:
    begun = time.time()
    api.generate()
    id = api.last.fields["x-request-id"]

    def lines() -> list[Any]:
        logs = api.get(f"/debug/logs?since={begun}")["logs"]
        return [log for log in logs if id in log["message"]]

    eventually(lines, "the line of the request")
    (line,) = lines()
    assert (line["level"], line["service"]) == ("info", "luna.access")
    assert begun <= line["timestamp"] <= time.time()
    milliseconds = api.get(f"/debug/logs?since={int(begun * 1000)}&limit=1000")["logs"]
    assert all(log["timestamp"] >= begun - 0.001 for log in milliseconds)
    assert line in milliseconds


def test_the_log_by_level_and_number(api: Api) -> None:
    for _ in range(3):
        api.get("/models")
    assert len(api.get("/debug/logs?limit=2")["logs"]) == 2
    assert {log["level"] for log in api.get("/debug/logs?level=info")["logs"]} == {"info"}
    assert api.get("/debug/logs?level=error,debug")["logs"] == []
    assert api.get("/debug/logs?since=99999999999")["logs"] == []


def test_no_secret_gets_into_the_log(api: Api) -> None:
    with pytest.raises(Refused):
        api.get("/models/password=Zx81SpectrumQl")

    def told() -> str:
        return "\n".join(log["message"] for log in api.get("/debug/logs?limit=1000")["logs"])

    eventually(lambda: "password=[hidden]" in told(), "the line of the request")
    assert "Zx81" not in told()


def test_the_profile(api: Api) -> None:
    begun = time.time()
    for _ in range(3):
        api.generate()
    metrics = api.get(f"/debug/profile?since={begun}")["metrics"]
    assert [metric["name"] for metric in metrics] == list(METRICS)
    id = api.last.fields["x-request-id"]
    for metric in metrics:
        figures = [value["value"] for value in metric["values"]]
        assert len(figures) == 3
        assert all(value["tags"]["model"] == "tiny" for value in metric["values"])
        spread = metric["aggregations"]
        assert spread.keys() == {"avg", "min", "max", "p50", "p95", "p99"}
        assert (spread["min"], spread["max"]) == (min(figures), max(figures))
        assert min(figures) <= spread["p50"] <= spread["p95"] <= spread["p99"] <= max(figures)
        assert spread["avg"] == pytest.approx(sum(figures) / 3, abs=0.01)
    assert id not in str(metrics)
    (one,) = api.get("/debug/profile?metric=completion_tokens")["metrics"]
    assert one["values"][-1]["value"] == 6
    assert api.get(f"/debug/profile?since={time.time() + 60}")["metrics"] == []


@pytest.mark.parametrize(
    ("path", "param"),
    [
        ("/debug/logs?level=loud", "level"),
        ("/debug/logs?limit=0", "limit"),
        ("/debug/logs?limit=", "limit"),
        ("/debug/logs?limit=1001", "limit"),
        ("/debug/logs?limit=1.5", "limit"),
        ("/debug/logs?since=yesterday", "since"),
        ("/debug/logs?since=-1", "since"),
        ("/debug/logs?since=nan", "since"),
        ("/debug/profile?metric=beauty", "metric"),
        ("/debug/profile?since=inf", "since"),
    ],
)
def test_a_question_that_makes_no_sense(api: Api, path: str, param: str) -> None:
    with pytest.raises(Refused) as caught:
        api.get(path)
    assert (caught.value.status, caught.value.code) == (400, "VALIDATION_ERROR")
    assert caught.value.param == param
    assert param in caught.value.message

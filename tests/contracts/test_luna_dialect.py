"""The appliance's own routes, field by field as its phone app reads them."""

from __future__ import annotations

import re

import pytest

from tests.contracts.asking import HELLO, connect
from tests.helpers.server import RunningLuna
from tests.helpers.wire import Wire, eventually

pytestmark = pytest.mark.needs("engine")
NUMBER = re.compile(r"\d+\.\d\d")
SHIPPED = {"get_current_time", "get_device_status", "get_wifi_status"}


def test_recognition(luna: RunningLuna) -> None:
    assert luna.get("/luna") == {"device": "luna"}


def test_health_is_state_and_the_last_runs_figures(luna: RunningLuna) -> None:
    with connect(luna) as client:
        client.chat.completions.create(model="luna-small", messages=HELLO, max_tokens=20)
    health = luna.get("/health")
    assert health["status"] == "healthy"
    assert health["generation_status"] == "idle"
    assert set(health["tools_loaded"]) >= SHIPPED
    for name in ("prefill_speed_tps", "generation_speed_tps", "memory_usage_mb"):
        assert NUMBER.fullmatch(health[name])
        assert float(health[name]) > 0
    assert (health["slots_idle"], health["slots_processing"]) == (4, 0)
    assert health["requests_waiting"] == 0


def test_a_run_in_progress_shows(luna: RunningLuna) -> None:
    assert luna.get("/luna/active")["active"] is False
    with (
        connect(luna) as client,
        client.chat.completions.create(
            model="luna-small", messages=HELLO, max_tokens=1900, n=4, stream=True
        ),
    ):
        # Nothing of the answer is read meanwhile.
        active, health = luna.get("/luna/active"), luna.get("/health")
    assert active == {
        "device": "luna",
        "active": True,
        "generation_status": "generating",
        "model": "tiny",
    }
    assert health["generation_status"] == "generating"
    assert health["slots_processing"] > 0
    eventually(lambda: luna.get("/luna/active")["active"] is False, "the end of the work")


def test_version(luna: RunningLuna) -> None:
    version = luna.get("/version")
    assert version["name"] == "luna"
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", version["version"])


def test_the_server_says_what_it_is(luna: RunningLuna) -> None:
    info = luna.get("/")
    assert info["name"] == "Luna"
    assert info["device"] == "luna"
    assert info["version"] == luna.get("/version")["version"]
    assert info["model"] == "tiny"
    assert "tiny" in info["models"]
    assert set(info["endpoints"]) == set(luna.get("/openapi.json")["paths"])


def test_simple_health(luna: RunningLuna) -> None:
    assert luna.get("/v1/health") == {"status": "ok"}


@pytest.mark.parametrize(
    ("path", "field"), [("/cpu", "cpu_usage_percent"), ("/ram", "ram_usage_percent")]
)
def test_readings(luna: RunningLuna, path: str, field: str) -> None:
    reading = luna.get(path)
    assert reading.keys() == {field}
    assert 0 <= reading[field] <= 100


def test_npu_usage_or_why_there_is_none(luna: RunningLuna) -> None:
    with Wire(luna.port) as wire:
        answer = wire.request("/npu")
    if answer.status == 200:
        usage = luna.get("/npu")
        assert usage.keys() == {"npu_cores_usage_percent", "npu_average_usage_percent", "watchdog"}
    else:
        assert (answer.status, answer.code) == (501, "reading_unavailable")


def test_the_engines_are_told_to_programs_on_the_device(luna: RunningLuna) -> None:
    (engine,) = luna.get("/luna/engines")["engines"]
    assert (engine["model"], engine["device"], engine["state"]) == ("tiny", "cpu", "loaded")


@pytest.mark.parametrize("what", ["abort", "restart"])
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"model": "nobody"}', 404, "not_found"),
        (b"{}", 400, "missing_required_parameter"),
        (b'{"model": 3}', 400, "invalid_type"),
        (b"{", 400, "invalid_json"),
    ],
)
def test_only_an_engine_that_is_there_is_helped(
    luna: RunningLuna, what: str, body: bytes, status: int, code: str
) -> None:
    with Wire(luna.port) as wire:
        answer = wire.request(f"/luna/engines/{what}", body=body)
    assert (answer.status, answer.code) == (status, code)

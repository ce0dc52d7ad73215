from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

from appliance.domain.cancel import CancelToken
from appliance.engines.scripted import Scripted, always
from appliance.errors import EngineDied, ReadingUnavailable
from appliance.http.dialects.browserllm.choice import Choice
from appliance.http.dialects.browserllm.status import Readings, Status
from appliance.http.exchange import Request
from appliance.models.registry import Registry
from appliance.observe.metrics import Metrics
from appliance.observe.profile import Profile
from appliance.serving.answer import Caller
from appliance.serving.pool import Pool
from appliance.settings import ModelSettings
from appliance.system.disk import Disk
from appliance.system.gpu import Gpu
from appliance.system.memory import Memory
from appliance.system.npu import NpuReading
from tests.helpers.server import tiny_model

GB = 1_000_000_000


def missing() -> NoReturn:
    raise ReadingUnavailable("It is not there.")


BOARD = Readings(
    memory=lambda: Memory(8 * GB, 4 * GB),
    memory_errors=lambda: 2,
    disk=lambda: Disk(64 * GB, 30 * GB),
    gpus=lambda: [Gpu("mali", "panthor")],
    npu=lambda: NpuReading((10.0, 0.0, 0.0), 3.3, "0.9.8", None),
)
NOTHING = Readings(missing, missing, missing, list, missing)


class Desk:
    """A device with one model."""

    def __init__(self, folder: Path, readings: Readings, bundled: Path | None) -> None:
        self.registry = Registry(folder, ModelSettings(), bundled=bundled)
        self.engine = Scripted(always(b"Hi"))
        settings = ModelSettings()
        self.pool = Pool(self.registry, lambda entry: self.engine, settings, 4)
        self.profile = Profile()
        self._status = Status(
            self.registry, self.pool, Choice(self.registry), self.profile, readings
        )

    def ask(self) -> Any:
        """The data of the answer."""
        reply = self._status.status(
            Request("GET", "/api/v1/status", Caller("c", "req_1", CancelToken()))
        )
        assert isinstance(reply.body, bytes)
        return json.loads(reply.body)["data"]


def test_a_board(tmp_path: Path) -> None:
    told = Desk(tmp_path, BOARD, tiny_model()).ask()
    assert told["system"] == {
        "webgpu_available": False,
        "ram_gb": 8.0,
        "gpu_vram_gb": 0.0,
        "storage_quota_gb": 30.0,
        "storage_used_gb": 0.0,
        "npu": {
            "available": True,
            "cores_percent": [10.0, 0.0, 0.0],
            "driver": "0.9.8",
            "reason": None,
        },
    }
    assert told["health"] == {
        "webgpu_context_losses": 0,
        "memory_errors": 2,
        "stability_score": 100.0,
        "engine_restarts": 0,
    }
    assert told["performance"] == {
        "avg_tokens_per_second": 0.0,
        "avg_latency_ms": 0.0,
        "requests_total": 0,
        "requests_success": 0,
        "requests_error": 0,
    }


def test_a_machine_that_gives_no_reading(tmp_path: Path) -> None:
    told = Desk(tmp_path, NOTHING, tiny_model()).ask()
    assert told["system"]["ram_gb"] == 0.0
    assert told["system"]["npu"]["reason"] == "It is not there."
    assert told["health"]["memory_errors"] == 0


def test_the_state_of_the_model(tmp_path: Path) -> None:
    desk = Desk(tmp_path, BOARD, tiny_model())
    assert (desk.ask()["status"], desk.ask()["model"]) == ("idle", {"id": "tiny", "loaded": False})
    desk.pool.preload(desk.registry.default())
    assert (desk.ask()["status"], desk.ask()["model"]["loaded"]) == ("loading", False)
    with desk.pool.use(desk.registry.default()):
        assert (desk.ask()["status"], desk.ask()["model"]["loaded"]) == ("ready", True)
    desk.engine.state = "failed"
    assert desk.ask()["status"] == "error"
    desk.pool.close()


def test_without_a_model(tmp_path: Path) -> None:
    told = Desk(tmp_path, BOARD, None).ask()
    assert (told["status"], told["model"]) == ("idle", None)


def test_failures_cost_stability(tmp_path: Path) -> None:
    desk = Desk(tmp_path, BOARD, tiny_model())
    metrics = Metrics(ended=desk.profile.note)
    try:
        with metrics.run("m", 0.0):
            raise EngineDied("It died.")
    except EngineDied:
        told = desk.ask()
    assert told["health"]["stability_score"] == 0.0
    assert (told["performance"]["requests_error"], told["performance"]["requests_total"]) == (1, 1)

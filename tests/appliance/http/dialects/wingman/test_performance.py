from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.domain.cancel import CancelToken
from appliance.domain.events import Content, Progress, Timings
from appliance.engines.scripted import Gates, Scripted, always
from appliance.errors import EngineError, ModelLoading
from appliance.http.dialects.wingman.condition import Condition
from appliance.http.dialects.wingman.performance import Performance
from appliance.observe.metrics import Metrics
from appliance.observe.runs import Runs
from appliance.serving.pool import Pool
from appliance.settings import ModelSettings
from tests.appliance.serving.library import Library


class World:
    """A pool of scripted engines; `load` decides how the next one loads."""

    def __init__(self, folder: Path) -> None:
        self.library = Library(folder, ModelSettings())
        self.library.put("a", "b")
        self.load: Callable[[], None] = lambda: None
        self.pool = Pool(
            self.library.registry,
            lambda entry: Scripted(always(b"x"), Gates(load=lambda: self.load())),
            self.library.settings,
            queue_length=4,
            clock=self.library.clock,
        )
        self.metrics = Metrics(self.library.clock)
        self.runs = Runs(lambda pid: 0)
        self.performance = Performance(
            self.pool, self.metrics, self.runs, lambda entry: f"my {entry.id}", lambda: 5000.5
        )
        self.condition = Condition(self.library.registry, self.pool)

    def use(self, name: str) -> None:
        with self.pool.use(self.library[name]):
            pass
        self.library.clock.now += 1

    def timings(self) -> dict[str, float]:
        return dict(self.performance()["metrics"]["timings"])

    def status(self) -> dict[str, Any]:
        return dict(self.condition()["status"]["status"])


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_without_a_model_there_is_nothing_to_tell(world: World) -> None:
    assert world.performance() == {}


def test_the_frame_is_what_clients_read_and_what_the_document_says(world: World) -> None:
    world.use("a")
    world.use("b")
    frame = world.performance()["metrics"]
    parts = frame.pop("metrics")
    assert frame == parts
    assert frame.keys() == {"alias", "meta", "system", "tensors", "timings"}
    assert frame["alias"] == frame["system"]["model_alias"] == "my b"
    assert frame["system"]["model_name"] == "b"
    assert frame["system"]["quantization"] == "F16"
    assert frame["system"]["has_next_token"] is False
    assert frame["meta"]["arch"] == "llama"
    assert frame["tensors"].keys() == {"f16", "f32"}
    assert sum(frame["tensors"].values()) > 10
    assert frame["meta"]["n_layer"] == "2"
    assert all(isinstance(value, str) for value in frame["meta"].values())
    assert all(type(value) in (int, float) for value in frame["timings"].values())
    assert not any(frame["timings"].values())


def test_the_last_run_is_told_until_the_next(world: World) -> None:
    world.use("a")
    world.runs.finished("a", Timings(10, 200.0, 5, 500.0), None)
    timings = world.timings()
    assert timings["timestamp"] == 5000
    assert (timings["prompt_count"], timings["prompt_ms"]) == (10, 200)
    assert (timings["prompt_per_token_ms"], timings["prompt_per_second"]) == (20, 50)
    assert (timings["predicted_count"], timings["predicted_ms"]) == (5, 500)
    assert (timings["predicted_per_token_ms"], timings["predicted_per_second"]) == (100, 10)
    assert (timings["sample_count"], timings["total_time"]) == (5, 700)
    world.use("b")
    assert world.timings()["predicted_count"] == 0


def test_a_run_at_work_is_told_as_far_as_it_is(world: World) -> None:
    world.use("a")
    clock = world.library.clock
    with world.metrics.run("a", clock.now) as meter:
        meter.note(Progress(7, 7))
        clock.now += 2
        meter.note(Content("x"))
        clock.now += 1
        meter.note(Content("y"))
        timings = world.timings()
        assert (timings["prompt_count"], timings["prompt_ms"]) == (7, 2000)
        assert (timings["predicted_count"], timings["predicted_ms"]) == (2, 1000)
    assert world.timings()["predicted_count"] == 0


def test_the_condition_follows_the_models(world: World) -> None:
    assert world.status()["status"] == "ready"

    def loading() -> None:
        raise ModelLoading("Soon.")

    world.load = loading
    with pytest.raises(ModelLoading):
        world.use("a")
    assert world.status()["status"] == "preparing"
    assert world.status()["models"] == [{"model": "a", "state": "loading"}]
    world.load = lambda: None
    world.use("a")
    assert world.status()["status"] == "ready"
    (loaded,) = world.pool.loaded()
    with loaded.scheduler.slot("me", CancelToken()):
        assert world.status()["status"] == "inferring"
        assert world.performance()["metrics"]["system"]["has_next_token"] is True
    world.pool.drain(0)
    assert world.status()["status"] == "stopping"


def test_a_model_that_cannot_be_loaded_is_told_with_the_reason(world: World) -> None:
    def failing() -> None:
        raise EngineError("It is broken.")

    world.load = failing
    with pytest.raises(EngineError):
        world.use("a")
    assert "It is broken." in world.status()["error"]

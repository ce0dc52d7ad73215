"""How long a model stays in memory when nobody uses it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.engines.scripted import Scripted, always
from appliance.models.folder import Entry
from appliance.serving.pool import Pool
from appliance.settings import ModelSettings
from tests.appliance.serving.library import Library
from tests.helpers.wire import eventually


class World:
    """A pool of scripted engines, with time that passes by itself."""

    def __init__(self, folder: Path, settings: ModelSettings) -> None:
        self.library = Library(folder, settings)
        self.library.put("a", "b")
        self.made: list[Scripted] = []
        self.pool = Pool(self.library.registry, self._make, settings, queue_length=4)

    def _make(self, entry: Entry) -> Scripted:
        self.made.append(Scripted(always(b"x")))
        return self.made[-1]

    def use(self, name: str, keep: float | None = None) -> None:
        with self.pool.use(self.library[name], keep):
            pass

    @property
    def loaded(self) -> set[str]:
        return {loaded.entry.id for loaded in self.pool.loaded()}


@pytest.fixture
def settings() -> ModelSettings:
    return ModelSettings()


@pytest.fixture
def world(tmp_path: Path, settings: ModelSettings) -> Iterator[World]:
    made = World(tmp_path, settings)
    yield made
    made.pool.close()


def test_a_model_stays_for_ever_unless_told_otherwise(world: World) -> None:
    world.use("a")
    (loaded,) = world.pool.loaded()
    assert world.pool.seconds_left(loaded) == math.inf


def test_a_model_goes_when_its_time_is_over(world: World) -> None:
    world.use("a", 0.05)
    world.use("b", 600.0)
    eventually(lambda: world.loaded == {"b"}, "the end of a")
    eventually(lambda: world.made[0].state == "unloaded", "the end of a's engine")
    (left,) = world.pool.loaded()
    assert 0 < world.pool.seconds_left(left) <= 600
    world.use("a")
    assert world.loaded == {"a", "b"}


def test_the_last_wish_counts(world: World) -> None:
    world.use("a", 600.0)
    world.use("a")
    assert world.pool.seconds_left(world.pool.loaded()[0]) <= 600
    world.use("a", math.inf)
    assert world.pool.seconds_left(world.pool.loaded()[0]) == math.inf
    world.use("a", 0.0)
    eventually(lambda: world.loaded == set(), "the end of a")


def test_a_model_that_is_used_stays_until_it_is_not(world: World) -> None:
    with world.pool.use(world.library["a"]):
        world.pool.let_go(world.library["a"])
        world.use("a")
        world.use("b", 0.0)
        eventually(lambda: world.loaded == {"a"}, "the end of b")
    eventually(lambda: world.loaded == set(), "the end of a")


def test_what_is_not_loaded_is_not_loaded_to_let_it_go(world: World) -> None:
    world.pool.let_go(world.library["a"])
    assert world.made == []


@pytest.mark.parametrize("settings", [ModelSettings(pinned=("Friend",), aliases={"friend": "a"})])
def test_a_model_that_is_pinned_by_another_name_stays(world: World) -> None:
    world.use("a", 0.0)
    assert world.pool.seconds_left(world.pool.loaded()[0]) == math.inf
    world.use("b", 0.0)
    eventually(lambda: world.loaded == {"a"}, "the end of b")

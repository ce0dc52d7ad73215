from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.domain.cancel import CancelToken
from appliance.domain.model_size import required_bytes
from appliance.engines.scripted import Gates, Scripted, always
from appliance.errors import ConfigError, EngineError, ModelLoadFailed, ModelLoading, ShuttingDown
from appliance.models.folder import Entry
from appliance.serving.pool import Pool
from appliance.settings import ModelSettings
from tests.appliance.serving.library import Library
from tests.helpers.wire import eventually

PATIENCE_S = 10.0


class World:
    """A pool of scripted engines; `gates` decides how the next one loads."""

    def __init__(self, folder: Path, max_loaded: int = 2) -> None:
        settings = ModelSettings(max_loaded=max_loaded)
        self.library = Library(folder, settings)
        self.library.put("a", "b", "c")
        self.load: Callable[[], None] = lambda: None
        self.make: Callable[[Entry], Scripted] = lambda entry: Scripted(
            always(b"x"), Gates(load=self.load)
        )
        self.made: list[tuple[str, Scripted]] = []
        self.pool = Pool(
            self.library.registry, self._make, settings, queue_length=4, clock=self.library.clock
        )

    def _make(self, entry: Entry) -> Scripted:
        engine = self.make(entry)
        self.made.append((entry.id, engine))
        return engine

    def use(self, name: str) -> None:
        with self.pool.use(self.library[name]):
            pass
        self.library.clock.now += 1

    @property
    def loaded(self) -> set[str]:
        return {loaded.entry.id for loaded in self.pool.loaded()}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_model_is_loaded_once(world: World) -> None:
    world.use("a")
    with world.pool.use(world.library["a"]) as one, world.pool.use(world.library["a"]) as two:
        assert one is two
        assert one.users == 2
        assert one.engine.state == "loaded"
    assert one.users == 0
    assert len(world.made) == 1


def test_the_least_recently_used_one_goes(world: World) -> None:
    for name in ("a", "b", "a", "c"):
        world.use(name)
    assert world.loaded == {"a", "c"}
    engines = dict(world.made)
    assert [engines[name].state for name in "abc"] == ["loaded", "unloaded", "loaded"]


def test_a_busy_model_stays(world: World) -> None:
    with world.pool.use(world.library["a"]):
        world.library.clock.now += 1
        world.use("b")
        world.use("c")
        assert world.loaded == {"a", "c"}
        with (
            world.pool.use(world.library["c"]),
            pytest.raises(ModelLoading, match="no room for 'b'") as refused,
        ):
            world.use("b")
    assert refused.value.retry_after > 0
    world.use("b")
    assert world.loaded == {"b", "c"}


def test_a_changed_file_is_loaded_again(world: World) -> None:
    world.use("a")
    world.library.put("a", changed=200)
    world.use("a")
    assert [name for name, _ in world.made] == ["a", "a"]
    assert [engine.state for _, engine in world.made] == ["unloaded", "loaded"]


def test_a_changed_file_waits_until_the_old_one_is_idle(world: World) -> None:
    with world.pool.use(world.library["a"]) as old:
        world.library.put("a", changed=200)
        with world.pool.use(world.library["a"]) as same:
            assert same is old
    world.use("a")
    assert len(world.made) == 2


def test_a_file_that_is_gone_is_unloaded(world: World) -> None:
    world.use("a")
    world.library.remove("a")
    world.use("b")
    assert world.loaded == {"b"}
    assert world.made[0][1].state == "unloaded"


def test_a_failed_load_is_told_and_tried_again_after_a_while(world: World) -> None:
    tries: list[int] = []

    def load() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise EngineError("The disk is full.")

    world.load = load
    for _ in range(3):
        with pytest.raises(ModelLoadFailed, match="disk is full"):
            world.use("a")
    assert len(tries) == 1
    assert "disk is full" in world.library.registry.load_failure(world.library["a"])
    world.library.clock.now += 11
    with pytest.raises(ModelLoadFailed):
        world.use("a")
    assert len(tries) == 2
    world.library.clock.now += 11
    world.use("a")
    assert world.library.registry.load_failure(world.library["a"]) == ""


def test_a_model_that_failed_is_tried_at_once_when_its_file_changes(world: World) -> None:
    def load() -> None:
        raise EngineError("damaged")

    world.load = load
    with pytest.raises(ModelLoadFailed):
        world.use("a")
    world.load = lambda: None
    world.library.put("a", changed=200)
    world.use("a")


def test_a_failed_model_pushes_none_out_after_its_failure(tmp_path: Path) -> None:
    world = World(tmp_path, max_loaded=1)

    def load() -> None:
        raise EngineError("damaged")

    world.load = load
    with pytest.raises(ModelLoadFailed):
        world.use("a")
    world.load = lambda: None
    world.use("b")
    with pytest.raises(ModelLoadFailed):
        world.use("a")
    assert dict(world.made)["b"].state == "loaded"


def test_an_engine_that_cannot_be_made_leaves_none_running_unseen(tmp_path: Path) -> None:
    world = World(tmp_path, max_loaded=1)
    world.use("a")
    good = world.make

    def refuse(entry: Entry) -> Scripted:
        raise ConfigError("The chat template cannot be read.")

    world.make = refuse
    with pytest.raises(ConfigError):
        world.use("b")
    assert world.loaded == set()
    assert world.made[0][1].state == "unloaded"
    world.make = good
    world.use("b")


def test_a_loading_model_is_waited_for_by_the_next_request(world: World) -> None:
    answers = [ModelLoading("not yet"), None]

    def load() -> None:
        if (answer := answers.pop(0)) is not None:
            raise answer

    world.load = load
    world.pool.preload(world.library["a"])
    assert world.made[0][1].state == "loading"
    with pytest.raises(ModelLoading):
        world.use("a")
    world.use("a")
    assert len(world.made) == 1


def test_drain_refuses_new_requests_and_waits_for_the_others(world: World) -> None:
    inside, leave = threading.Event(), threading.Event()
    cancel = CancelToken()

    def work() -> None:
        with (
            world.pool.use(world.library["a"]) as loaded,
            loaded.scheduler.slot("x", cancel),
        ):
            inside.set()
            assert leave.wait(PATIENCE_S)

    worker = threading.Thread(target=work)
    worker.start()
    assert inside.wait(PATIENCE_S)
    drain = threading.Thread(target=world.pool.drain, args=(1000.0,))
    drain.start()

    def refused() -> bool:
        try:
            world.use("b")
        except ShuttingDown:
            return True
        return False

    eventually(refused)
    assert cancel.reason is None
    leave.set()
    worker.join(PATIENCE_S)
    drain.join(PATIENCE_S)
    assert not drain.is_alive()
    world.pool.close()
    assert {engine.state for _, engine in world.made} == {"unloaded"}


def test_after_the_grace_those_who_run_are_cancelled(world: World) -> None:
    cancel = CancelToken()
    with world.pool.use(world.library["a"]) as loaded, loaded.scheduler.slot("x", cancel):
        world.pool.drain(0)
        assert isinstance(cancel.reason, ShuttingDown)


def test_close_unloads_everything_for_good(world: World) -> None:
    world.use("a")
    world.use("b")
    world.pool.close()
    assert world.loaded == set()
    assert {engine.state for _, engine in world.made} == {"unloaded"}
    with pytest.raises(ShuttingDown):
        world.use("a")


def test_a_pool_that_closes_in_between_starts_nothing(tmp_path: Path) -> None:
    world = World(tmp_path, max_loaded=1)
    world.use("a")

    class Closing(Scripted):
        """Its pool closes while it is stopped to make room for another."""

        def stop(self) -> None:
            super().stop()
            world.pool.close()

    world.pool.loaded()[0].engine = Closing(always())
    with pytest.raises(ModelLoading):
        world.use("b")
    assert dict(world.made)["b"].state == "unloaded"


def test_models_leave_when_their_memory_is_needed(tmp_path: Path) -> None:
    library = Library(tmp_path, settings := ModelSettings(max_loaded=9, pinned=("a",)))
    library.put("a", "b", "c")
    pool = Pool(
        library.registry,
        lambda entry: Scripted(always(b"x")),
        settings,
        queue_length=4,
        clock=library.clock,
        memory_bytes=2 * required_bytes(library["a"].size_bytes),
    )
    for name in ("a", "b", "c"):
        with pool.use(library[name], keep=0.0 if name == "a" else None):
            pass
        library.clock.now += 1
    assert {loaded.entry.id for loaded in pool.loaded()} == {"a", "c"}
    pool.close()

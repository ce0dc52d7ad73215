from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from appliance.domain.cancel import CancelToken
from appliance.domain.inference import Options, State, Task, Wish
from appliance.engines.base import ModelSpec
from appliance.engines.scripted import Gates, Scripted, always
from appliance.errors import (
    EngineError,
    LunaError,
    ModelLoading,
    ModelNotFound,
    NotFound,
    Retryable,
    ShuttingDown,
    StorageFailed,
)
from appliance.models.folder import Entry
from appliance.serving.inference import Inference
from appliance.serving.pool import Pool
from appliance.serving.wishes import Wishes
from appliance.settings import ModelSettings
from tests.appliance.serving.library import Library
from tests.helpers.server import tiny_model
from tests.helpers.wire import eventually


def wish(name: str, **more: int | str) -> Wish:
    return Wish(name, "owner/repo", f"{name}.gguf", Options(**more))  # type: ignore[arg-type]


@dataclass
class Notes:
    """A memory that can be full."""

    kept: dict[str, Task] = field(default_factory=dict)
    full: bool = False

    def all(self) -> Iterable[Task]:
        self._check()
        return sorted(self.kept.values(), key=lambda task: task.updated)

    def keep(self, task: Task) -> None:
        self._check()
        self.kept[task.wish.alias] = task

    def forget(self, alias: str) -> None:
        self._check()
        self.kept.pop(alias, None)

    def _check(self) -> None:
        if self.full:
            raise StorageFailed("The disk is full.")


class Desk:
    """The service over three models; `load` is what loading a model passes."""

    def __init__(self, folder: Path, notes: Notes, max_loaded: int = 2) -> None:
        settings = ModelSettings(max_loaded=max_loaded, load_wait_seconds=0.05)
        self.library = Library(folder, settings)
        self.library.put("a", "b", "c")
        self.notes = notes
        self.load: Callable[[str], None] = lambda name: None
        self.specs: list[ModelSpec] = []
        self.wishes = Wishes()
        self.pool = Pool(self.library.registry, self._make, settings, 4)
        self.now = 0.0
        self.inference = Inference(self.library.registry, self.pool, self.wishes, notes, self._tick)

    def _tick(self) -> float:
        self.now += 1
        return self.now

    def _make(self, entry: Entry) -> Scripted:
        spec = ModelSpec(entry.id, entry.path, entry.size_bytes, context=64)
        self.specs.append(self.wishes.applied(spec))
        return Scripted(always(b"x"), Gates(load=lambda: self.load(entry.id)))

    def state(self, alias: str) -> State | None:
        return next((task.state for task in self.inference.tasks(alias)), None)

    def started(self, name: str, **more: int | str) -> None:
        self.inference.start(wish(name, **more))
        eventually(lambda: self.state(name) == "inferring", f"{name} runs")

    @property
    def loaded(self) -> set[str]:
        return {each.entry.id for each in self.pool.loaded()}

    def end(self) -> None:
        self.inference.close()
        self.pool.close()
        self.inference.join()


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def desk(tmp_path: Path, notes: Notes) -> Iterator[Desk]:
    desk = Desk(tmp_path, notes)
    yield desk
    desk.end()


def test_from_start_to_reset(desk: Desk, notes: Notes) -> None:
    task, new = desk.inference.start(wish("a"))
    assert new
    assert (task.state, task.created, task.wish) == ("queued", 1.0, wish("a"))
    eventually(lambda: desk.state("a") == "inferring")
    again, new = desk.inference.start(wish("a"))
    assert (again.state, new) == ("inferring", False)
    assert desk.loaded == {"a"}
    assert notes.kept["a"].state == "inferring"
    assert desk.inference.stop("a").state == "inferring"
    assert (desk.state("a"), desk.loaded) == ("complete", set())
    assert desk.inference.stop("a").state == "complete"
    assert desk.inference.reset("a").state == "complete"
    assert (desk.inference.tasks(), notes.kept) == ((), {})


def test_what_is_not_there(desk: Desk) -> None:
    with pytest.raises(ModelNotFound, match="download it"):
        desk.inference.start(wish("nothing"))
    for act in (desk.inference.stop, desk.inference.reset):
        with pytest.raises(NotFound, match="'a'"):
            act("a")
    assert desk.inference.tasks("a") == ()


@pytest.mark.parametrize("file", ["a", "a.gguf", "folder/a.gguf", "A.GGUF"])
def test_a_model_is_found_by_its_file(desk: Desk, file: str) -> None:
    assert desk.inference.entry(Wish("x", "owner/repo", file)).id == "a"


def test_a_model_of_another_repository_is_another_one(desk: Desk) -> None:
    folder = desk.library.folder / "fetched"
    folder.mkdir()
    shutil.copy(tiny_model(), folder / "d.gguf")
    source = '[source]\nrepo = "owner/repo"\nfile = "d.gguf"\n'
    (folder / "luna.toml").write_text(source)
    desk.library.clock.now += 5
    assert desk.inference.entry(wish("d")).id == "fetched"
    for alias in ("d", "fetched"):
        with pytest.raises(ModelNotFound):
            desk.inference.entry(Wish(alias, "other/repo", f"{alias}.gguf"))


def test_a_name_that_was_given_hides_no_file(desk: Desk) -> None:
    desk.inference.start(Wish("b.gguf", "owner/repo", "a.gguf"))
    eventually(lambda: desk.state("b.gguf") == "inferring")
    assert desk.inference.entry(wish("b")).id == "b"


def test_it_is_loaded_as_it_was_wished_for(desk: Desk) -> None:
    desk.started("a", context=32, gpu_layers=3, template="{{ x }}")
    (spec,) = desk.specs
    assert (spec.context, spec.gpu_layers, spec.chat_template) == (32, 3, "{{ x }}")
    desk.inference.stop("a")
    with desk.pool.use(desk.library["a"]):
        assert (desk.specs[-1].context, desk.specs[-1].gpu_layers) == (64, -1)


def test_what_is_loaded_otherwise_is_loaded_anew(desk: Desk) -> None:
    with desk.pool.use(desk.library["a"]):
        pass
    desk.started("a", context=32)
    assert [spec.context for spec in desk.specs] == [64, 32]
    desk.inference.stop("a")
    with desk.pool.use(desk.library["a"]):
        pass
    desk.started("a")
    assert [spec.context for spec in desk.specs] == [64, 32, 64]


def test_the_last_one_is_the_default_and_has_its_name(desk: Desk) -> None:
    registry = desk.library.registry
    desk.inference.start(Wish("my model", "owner/repo", "b.gguf"))
    eventually(lambda: desk.state("my model") == "inferring")
    assert registry.default().id == "b"
    assert registry.find("My Model").id == "b"
    desk.started("a")
    assert registry.default().id == "a"
    desk.inference.stop("a")
    assert registry.default().id == "b"
    desk.inference.reset("my model")
    with pytest.raises(ModelNotFound):
        registry.find("my model")


def test_one_after_the_other(desk: Desk) -> None:
    loading, go = threading.Event(), threading.Event()

    def load(name: str) -> None:
        loading.set()
        assert go.wait(10)

    desk.load = load
    desk.inference.start(wish("a"))
    assert loading.wait(10)
    assert desk.state("a") == "preparing"
    with pytest.raises(Retryable, match="Another model"):
        desk.inference.start(wish("b"))
    assert not desk.inference.start(wish("a"))[1]
    go.set()
    eventually(lambda: desk.state("a") == "inferring")
    desk.started("b")
    assert desk.loaded == {"a", "b"}


def test_the_oldest_makes_room(desk: Desk) -> None:
    desk.started("a")
    desk.started("b")
    desk.started("c")
    assert desk.loaded == {"b", "c"}
    assert [desk.state(name) for name in "abc"] == ["complete", "inferring", "inferring"]


def test_what_was_started_is_not_unloaded_for_others(desk: Desk) -> None:
    desk.started("a")
    desk.started("b")
    with pytest.raises(ModelLoading, match="no room"), desk.pool.use(desk.library["c"]):
        pass
    desk.pool.let_go(desk.library["a"])
    assert desk.loaded == {"a", "b"}


def test_a_model_whose_file_is_deleted_goes_all_the_same(desk: Desk) -> None:
    desk.started("a")
    entry = desk.library["a"]
    desk.library.remove("a")
    desk.pool.let_go(entry)
    eventually(lambda: desk.loaded == set())
    (task,) = desk.inference.tasks("a")
    assert (task.state, "download it" in task.error) == ("error", True)


def test_a_slow_start_is_waited_for(desk: Desk) -> None:
    tries: list[str] = []

    def load(name: str) -> None:
        tries.append(name)
        if len(tries) < 4:
            raise ModelLoading("Still loading.")

    desk.load = load
    desk.started("a")
    assert len(tries) == 4


def test_a_failure_tells_its_reason_and_can_be_mended(desk: Desk, notes: Notes) -> None:
    def load(name: str) -> None:
        raise EngineError("It is too large.")

    desk.load = load
    desk.inference.start(wish("a"))
    eventually(lambda: desk.state("a") == "error")
    (task,) = desk.inference.tasks("a")
    assert task.error == "It is too large."
    assert notes.kept["a"] == task
    desk.load = lambda name: None
    desk.started("a")
    assert desk.inference.tasks("a")[0].error == ""


def test_an_engine_that_fails_later_is_seen(desk: Desk) -> None:
    desk.started("a")
    (loaded,) = desk.pool.loaded()
    engine = loaded.engine
    assert isinstance(engine, Scripted)
    engine.state = "loading"
    assert desk.state("a") == "preparing"
    engine.state = "failed"
    desk.library.registry.note_load(loaded.entry, "It died.")
    (task,) = desk.inference.tasks("a")
    assert (task.state, task.error) == ("error", "It died.")
    desk.started("a")


def test_runs_end_when_their_model_is_stopped(desk: Desk) -> None:
    desk.started("a")
    cancel = CancelToken()
    with desk.pool.use(desk.library["a"]) as loaded, loaded.scheduler.slot("client", cancel):
        desk.inference.stop("a")
        with pytest.raises(ModelLoading, match="stopped"):
            cancel.check()
        with pytest.raises(ModelLoading), loaded.scheduler.slot("other", CancelToken()):
            pass


def test_a_start_is_taken_back(desk: Desk) -> None:
    loading, go = threading.Event(), threading.Event()

    def load(name: str) -> None:
        loading.set()
        assert go.wait(10)
        raise ModelLoading("It was just unloaded.")

    desk.load = load
    desk.inference.start(wish("a"))
    assert loading.wait(10)
    assert desk.inference.stop("a").state == "preparing"
    go.set()
    desk.load = lambda name: None
    desk.started("b")
    assert desk.state("a") == "complete"


def test_two_names_for_one_model(desk: Desk) -> None:
    desk.started("a")
    desk.inference.start(Wish("second", "owner/repo", "a.gguf"))
    eventually(lambda: desk.state("second") == "inferring")
    desk.inference.stop("a")
    assert desk.loaded == {"a"}
    assert desk.state("second") == "inferring"


def test_a_failure_under_one_name_leaves_the_other_as_it_was(desk: Desk) -> None:
    desk.started("a", context=32)

    def load(name: str) -> None:
        if desk.wishes.of(name).template:
            raise EngineError("The template is nonsense.")

    desk.load = load
    bad = Wish("bad", "owner/repo", "a.gguf", Options(template="{{"))
    desk.inference.start(bad)
    eventually(lambda: desk.state("bad") == "error")
    eventually(lambda: desk.state("a") == "inferring")
    assert desk.specs[-1].context == 32
    assert desk.inference.tasks("bad")[0].error == "The template is nonsense."
    assert desk.library.registry.load_failure(desk.library["a"]) == ""


def test_after_a_restart_it_goes_on(tmp_path: Path, notes: Notes) -> None:
    first = Desk(tmp_path, notes)
    first.started("a", context=32)
    first.started("b")
    first.inference.start(wish("c"))
    eventually(lambda: first.state("c") == "inferring")
    first.inference.stop("c")
    first.end()
    second = Desk(tmp_path, notes)
    second.now = 100.0
    second.inference.restore()
    eventually(lambda: second.state("b") == "inferring")
    assert [second.state(name) for name in "abc"] == ["complete", "inferring", "complete"]
    second.end()


def test_what_was_being_loaded_at_a_sudden_end_is_not_tried_again(desk: Desk, notes: Notes) -> None:
    for state in ("preparing", "queued", "error"):
        task = Task(wish("abc"[len(notes.kept)]), state, 1.0, 1.0)
        notes.keep(task)
    desk.inference.restore()
    eventually(lambda: desk.state("b") == "inferring")
    assert [desk.state(name) for name in "abc"] == ["error", "inferring", "error"]
    assert "smaller context" in desk.inference.tasks("a")[0].error


def test_an_orderly_end_in_the_middle_is_no_failure(tmp_path: Path, notes: Notes) -> None:
    desk = Desk(tmp_path, notes)
    loading = threading.Event()

    def load(name: str) -> None:
        loading.set()
        raise ModelLoading("Still loading.")

    desk.load = load
    desk.inference.start(wish("a"))
    assert loading.wait(10)
    desk.end()
    assert notes.kept["a"].state == "queued"
    with pytest.raises(ShuttingDown):
        desk.inference.start(wish("b"))


def test_a_model_that_is_gone_after_a_restart(desk: Desk, notes: Notes) -> None:
    notes.keep(Task(wish("nothing"), "inferring", 1.0, 1.0))
    desk.inference.restore()
    eventually(lambda: desk.state("nothing") == "error")
    assert "download it" in desk.inference.tasks("nothing")[0].error


def test_a_full_disk_keeps_nobody_from_starting(
    desk: Desk, notes: Notes, caplog: pytest.LogCaptureFixture
) -> None:
    notes.full = True
    desk.inference.restore()
    desk.started("a")
    desk.inference.reset("a")
    assert "The disk is full" in caplog.text


def test_a_fault_of_ours_is_logged_and_ends_nothing(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    def load(name: str) -> None:
        raise KeyError("a bug")

    desk.load = load
    desk.inference.start(wish("a"))
    eventually(lambda: desk.state("a") == "error")
    assert "a bug" in caplog.text
    desk.load = lambda name: None
    desk.started("b")


def test_old_tasks_are_forgotten(desk: Desk, notes: Notes) -> None:
    for number in range(100):
        alias = f"old {number}"
        old = Task(replace(wish("a"), alias=alias), "complete", 1.0, float(number))
        notes.keep(old)
    desk.inference.restore()
    desk.started("b")
    assert len(desk.inference.tasks()) == 100
    assert desk.state("old 0") is None
    assert "old 0" not in notes.kept
    assert issubclass(StorageFailed, LunaError)

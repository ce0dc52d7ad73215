from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.errors import BadRequest, ModelLoadFailed, ModelNotFound
from appliance.models.registry import Registry
from appliance.settings import ModelSettings
from tests.helpers import random_model


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


class Shelf:
    """A models folder, with the files' times as the test wants them, and its registry."""

    def __init__(self, folder: Path, tiny: Path) -> None:
        self.folder = folder
        self.tiny = tiny
        self.clock = Clock()

    def put(self, name: str, changed: int) -> None:
        target = self.folder / f"{name}.gguf"
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(self.tiny, target)
        os.utime(target, (changed, changed))

    def registry(
        self,
        default: str = "",
        *,
        fallback: bool = True,
        aliases: Mapping[str, str] | None = None,
        bundled: bool = False,
    ) -> Registry:
        names = {"luna-small": ""} if aliases is None else aliases
        settings = ModelSettings(default=default, fallback=fallback, aliases=names)
        return Registry(self.folder, settings, self.tiny if bundled else None, self.clock)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_model.tiny(tmp_path_factory.mktemp("bundled") / "guide.gguf")


@pytest.fixture
def shelf(tmp_path: Path, tiny: Path) -> Shelf:
    return Shelf(tmp_path, tiny)


def test_the_newest_model_is_the_default(shelf: Shelf) -> None:
    shelf.put("old", 100)
    shelf.put("new", 200)
    registry = shelf.registry(bundled=True)
    assert registry.default().id == "new"
    assert [entry.id for entry in registry.entries()] == ["new", "guide", "old"]


def test_the_bundled_model_is_the_default_where_there_is_no_other(shelf: Shelf) -> None:
    assert shelf.registry(bundled=True).default().bundled


def test_the_configured_model_is_the_default(shelf: Shelf) -> None:
    shelf.put("old", 100)
    shelf.put("new", 200)
    assert shelf.registry("OLD").default().id == "old"
    assert shelf.registry("guide", bundled=True).default().id == "guide"
    assert shelf.registry("none").default().id == "new"


def test_a_file_of_the_bundled_models_name_takes_its_place(shelf: Shelf) -> None:
    shelf.put("guide", 100)
    (entry,) = shelf.registry(bundled=True).entries()
    assert not entry.bundled


def test_a_broken_model_comes_last_and_is_never_the_default(shelf: Shelf) -> None:
    (shelf.folder / "a.gguf").write_bytes(b"broken")
    shelf.put("b", 100)
    registry = shelf.registry("a")
    assert [entry.id for entry in registry.entries()] == ["b", "a"]
    assert registry.default().id == "b"
    with pytest.raises(ModelLoadFailed, match="not a GGUF file"):
        registry.resolve("a")
    assert registry.find("a").problem


def test_without_any_model_the_folder_is_named(shelf: Shelf) -> None:
    (shelf.folder / "a.gguf").write_bytes(b"broken")
    for ask in (shelf.registry().default, lambda: shelf.registry().resolve("x")):
        with pytest.raises(ModelNotFound, match=str(shelf.folder)):
            ask()


@pytest.mark.parametrize("name", ["Model", "model", "MODEL", "model:latest", "Model:latest"])
def test_case_and_latest_do_not_matter(shelf: Shelf, name: str) -> None:
    shelf.put("Model", 100)
    shelf.put("other", 200)
    registry = shelf.registry(fallback=False)
    entry = registry.resolve(name)
    assert entry.id == "Model"
    assert registry.find(name) == entry
    assert registry.public_name(name, entry) == name


def test_aliases_lead_to_models(shelf: Shelf) -> None:
    shelf.put("one", 100)
    shelf.put("two", 200)
    shelf.put("own/m", 50)
    (shelf.folder / "own" / "luna.toml").write_text('aliases = ["Mine"]')
    registry = shelf.registry(
        fallback=False, aliases={"luna-small": "", "First": "one", "chain": "first", "lost": "gone"}
    )
    assert registry.resolve("luna-small").id == "two"
    assert registry.resolve("FIRST:latest").id == "one"
    assert registry.resolve("chain").id == "one"
    assert registry.resolve("mine").id == "own"
    assert registry.aliases() == {
        "luna-small": "two",
        "First": "one",
        "chain": "one",
        "Mine": "own",
    }
    with pytest.raises(ModelNotFound):
        registry.resolve("lost")
    with pytest.raises(ModelNotFound):
        registry.find("unknown")


@pytest.mark.parametrize("aliases", [{"a": "a"}, {"a": "b", "b": "a"}, {"a": "b", "b": "b"}])
def test_aliases_in_a_circle_mean_the_default(shelf: Shelf, aliases: Mapping[str, str]) -> None:
    shelf.put("one", 100)
    assert shelf.registry(fallback=False, aliases=aliases).resolve("a").id == "one"


def test_a_model_wins_over_an_alias_of_its_name(shelf: Shelf) -> None:
    shelf.put("one", 100)
    shelf.put("two", 200)
    assert shelf.registry(aliases={"one": "two"}).resolve("one").id == "one"


def test_an_unknown_name_falls_back_or_is_refused(shelf: Shelf) -> None:
    shelf.put("one", 100)
    registry = shelf.registry()
    entry = registry.resolve("gpt-4o")
    assert entry.id == "one"
    assert registry.public_name("gpt-4o", entry) == "one"
    assert registry.public_name("", entry) == "one"
    assert registry.public_name("luna-small", entry) == "luna-small"
    strict = shelf.registry(fallback=False)
    with pytest.raises(ModelNotFound, match="These do: one") as refused:
        strict.resolve("gpt-4o")
    assert refused.value.param == "model"
    assert strict.resolve("").id == "one"


def test_changes_are_seen_after_a_second(shelf: Shelf) -> None:
    registry = shelf.registry()
    assert registry.entries() == ()
    shelf.put("one", 100)
    assert registry.entries() == ()
    shelf.clock.now += 1.1
    assert registry.default().id == "one"
    (shelf.folder / "one.gguf").unlink()
    shelf.clock.now += 1.1
    assert registry.entries() == ()


def test_what_is_deleted_or_copied_is_seen_at_once(shelf: Shelf) -> None:
    shelf.put("a", 100)
    registry = shelf.registry(bundled=True)
    registry.copy(registry.find("a"), "b:latest")
    assert {entry.id for entry in registry.entries()} >= {"a", "b"}
    registry.remove(registry.find("a"))
    with pytest.raises(ModelNotFound):
        registry.find("a")
    assert registry.find("b").usable


def test_no_copy_takes_a_name_that_means_something(shelf: Shelf) -> None:
    shelf.put("a", 100)
    registry = shelf.registry(bundled=True)
    for name in ("a", "A", "luna-small", shelf.tiny.stem):
        with pytest.raises(BadRequest, match="already"):
            registry.copy(registry.find("a"), name)

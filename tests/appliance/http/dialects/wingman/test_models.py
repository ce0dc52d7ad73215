from __future__ import annotations

from pathlib import Path

from appliance.http.dialects.wingman.models import Sight, ai_models
from appliance.models.folder import Entry
from appliance.models.hub.repository import RemoteFile, Repository
from appliance.models.manifest import Manifest, Source
from appliance.system.memory import Memory

GB = 10**9
SHELF = [
    Repository(
        "ann/m",
        "c0",
        (RemoteFile("m-Q4_K_M.gguf", GB), RemoteFile("m-F16.gguf", 9 * GB)),
        likes=3,
        downloads=5,
        created="2025-01-02T03:04:05.000Z",
        context=4096,
    ),
    Repository("ann/huge", "c0", (RemoteFile("h-Q8_0.gguf", 90 * GB),)),
]


def entry(id: str, source: Source | None = None, problem: str = "") -> Entry:
    manifest = Manifest(source=source)
    return Entry(id, Path(f"/m/{id}/{id}.gguf"), GB, 1.0, problem=problem, manifest=manifest)


def sight(here: dict[tuple[str, str], Entry] | None = None) -> Sight:
    failed = frozenset({("ann/huge", "h-Q8_0.gguf")})
    return Sight("http://hub", here or {}, failed, Memory(8 * GB, 4 * GB))


def test_what_fits_this_memory_is_told() -> None:
    usual, huge = ai_models([], SHELF, sight()).models
    assert [item.isInferable for item in usual.items] == [False, True]
    assert usual.isInferable
    assert not huge.isInferable
    assert usual.size == "1.00 GB"
    assert usual.totalMemory == 8 * GB // 2**20
    assert usual.items[0].normalizedQuantizedMemRequired > 9 * GB // 2**20
    assert huge.items[0].hasError
    assert (usual.vendor, usual.name, usual.maxLength) == ("ann", "m", 4096)
    assert (usual.likes, usual.downloads) == (3, 5)
    assert usual.items[1].location == "http://hub/ann/m/blob/main/m-Q4_K_M.gguf"


def test_a_model_that_was_fetched_is_marked_in_its_repository() -> None:
    key = ("ann/huge", "h-Q8_0.gguf")
    mine = entry("h-Q8_0", Source(*key))
    models = ai_models([mine], SHELF, sight({key: mine})).models
    assert [model.id for model in models] == ["ann/huge", "ann/m"]
    assert models[0].items[0].isDownloaded
    assert models[0].items[0].location == str(mine.path)


def test_models_of_elsewhere_stand_for_themselves() -> None:
    own = entry("own", problem="It is cut off.")
    fetched = entry("x-Q8_0", Source("bob/x", "x-Q8_0.gguf"))
    models = {model.id: model for model in ai_models([own, fetched], [], sight()).models}
    assert (models["own"].items[0].modelRepo, models["own"].items[0].hasError) == ("local", True)
    assert not models["own"].isInferable
    item = models["x-Q8_0"].items[0]
    assert (item.modelRepo, item.quantizationName) == ("bob/x", "Q8_0")
    assert item.isDownloaded


def test_a_memory_that_cannot_be_read_excludes_nothing() -> None:
    blind = Sight("http://hub", {}, frozenset(), Memory(0, 0))
    assert all(model.isInferable for model in ai_models([], SHELF, blind).models)

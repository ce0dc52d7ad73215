from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.domain.cancel import CancelToken
from appliance.engines.base import Engine
from appliance.engines.scripted import Gates, Scripted, always
from appliance.errors import (
    LunaError,
    ModelLoadFailed,
    ModelLoading,
    ModelNotFound,
    ReadingUnavailable,
)
from appliance.http.dialects.browserllm.absent import Absent
from appliance.http.dialects.browserllm.choice import Choice
from appliance.http.dialects.browserllm.models import Models
from appliance.http.exchange import Reply, Request
from appliance.models.downloads.item import Download, Status
from appliance.models.registry import Registry
from appliance.observe.profile import Profile
from appliance.serving.answer import Caller
from appliance.serving.pool import Pool
from appliance.settings import ModelSettings
from tests.helpers.server import tiny_model

SIZE = tiny_model().stat().st_size
REPO, FILE = "maker/Phi-3-GGUF", "phi-3-q4_k_m.gguf"


def download(status: Status, done: int = 500_000_000, error: str = "") -> Download:
    return Download(REPO, FILE, status, 2_000_000_000, done, 1.0, 2.0, 0.0, error)


class Starting(Scripted):
    """An engine whose process is there while it loads."""

    pid = 1


class Desk:
    """Handlers over the bundled model, whose engine does what a test tells it."""

    def __init__(self, folder: Path) -> None:
        self.registry = Registry(folder, ModelSettings(), bundled=tiny_model())
        self.loading: LunaError | None = None
        self.engine: Engine = Starting(always(b"Hi"), Gates(self._load))
        self.pool = Pool(self.registry, lambda entry: self.engine, ModelSettings(), 4, self.clock)
        self.choice = Choice(self.registry)
        self.downloads: list[Download] = []
        self.held: Callable[[int], int] = lambda pid: 0
        self.now = 100.0
        self._models = Models(
            self.registry,
            self.pool,
            Absent(lambda: self.downloads),
            self.choice,
            Profile(),
            lambda entry: 512,
            lambda pid: self.held(pid),
            ticks=self.clock,
        )

    def clock(self) -> float:
        return self.now

    def _load(self) -> None:
        if self.loading is not None:
            raise self.loading

    def models(self) -> Any:
        return self._data(self._models.models(self._request("")))["models"]

    def model(self, id: str) -> Any:
        return self._data(self._models.model(self._request(id)))

    def load(self, id: str = "tiny") -> tuple[int, Any]:
        reply = self._models.load(self._request(id))
        return reply.status, self._data(reply)

    def _request(self, id: str) -> Request:
        caller = Caller("c", "req_1", CancelToken())
        return Request("GET", "/", caller, parameters={"id": id})

    def _data(self, reply: Reply) -> Any:
        assert isinstance(reply.body, bytes)
        return json.loads(reply.body)["data"]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_model_that_is_there_at_once(desk: Desk) -> None:
    whole = {"model_id": "tiny", "status": "loaded", "progress": 100}
    assert desk.load() == (200, whole)
    assert desk.choice.name() == "tiny"


def test_a_model_on_its_way(desk: Desk) -> None:
    desk.loading = ModelLoading("It is read from the disk.")
    nothing = {"model_id": "tiny", "status": "loading", "progress": 0}
    assert desk.load() == (202, nothing)
    desk.now += 3.0
    desk.held = lambda pid: SIZE // 4 + 1
    status, told = desk.load()
    assert (status, told["progress"]) == (202, 25)
    assert told["estimated_time_ms"] == pytest.approx(9_000, abs=1)
    desk.held = lambda pid: 3 * SIZE
    assert desk.load()[1]["progress"] == 99
    assert desk.choice.name() == "tiny"
    desk.loading = None
    assert desk.load()[0] == 200


def test_an_engine_that_ends_meanwhile(desk: Desk) -> None:
    def gone(pid: int) -> int:
        raise ReadingUnavailable("It ended.")

    desk.loading = ModelLoading("It is read from the disk.")
    desk.held = gone
    assert desk.load()[1]["progress"] == 0


def test_a_model_that_cannot_be_loaded_is_not_chosen(desk: Desk) -> None:
    desk.loading = ModelLoadFailed("It is damaged.")
    with pytest.raises(ModelLoadFailed, match="damaged"):
        desk.load()
    assert desk.choice.name() == ""


def test_a_model_that_is_being_downloaded(desk: Desk) -> None:
    desk.downloads = [download("downloading")]
    here, coming = desk.models()
    assert (here["id"], here["downloaded"]) == ("tiny", True)
    assert (coming["id"], coming["downloaded"]) == (f"{REPO}:{FILE}", False)
    assert (coming["name"], coming["size"]) == ("phi-3-q4_k_m", "2.0GB")
    for name in (f"{REPO}:{FILE}", REPO, REPO.lower()):
        told = desk.model(name)
        assert (told["download_progress"], told["downloaded"]) == (25.0, False)
        assert told["parameters"]["quantization"].upper() == "Q4_K_M"
        with pytest.raises(ModelLoading, match="25 %"):
            desk.load(name)
    assert "download_progress" not in desk.model("tiny")


def test_a_download_that_failed(desk: Desk) -> None:
    desk.downloads = [download("error", error="The disk is full.")]
    assert "The disk is full." in desk.model(REPO)["description"]
    with pytest.raises(ModelLoadFailed, match="The disk is full"):
        desk.load(REPO)


@pytest.mark.parametrize("status", ["complete", "cancelled"])
def test_what_nobody_fetches_is_not_there(desk: Desk, status: Status) -> None:
    desk.downloads = [download(status)]
    assert len(desk.models()) == 1
    for ask in (desk.model, desk.load):
        with pytest.raises(ModelNotFound):
            ask(REPO)

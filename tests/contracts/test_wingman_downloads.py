"""Wingman's front end: it lists models, fetches one, watches it come, and throws it away."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.hub import FakeHub, Fault
from tests.helpers.server import RunningLuna, tiny_model
from tests.helpers.wire import Wire, eventually

REPO, FILE = "ann/tiny", "tiny-Q4_K_M.gguf"
KEY = f"modelRepo={REPO}&filePath={FILE}"  # with the slash as it is, as encodeURI leaves it


@pytest.fixture(scope="module")
def hub() -> Iterator[FakeHub]:
    model = tiny_model().read_bytes()
    with FakeHub({REPO: {FILE: model, "tiny-Q8_0.gguf": model}}) as hub:
        yield hub


@pytest.fixture(scope="module")
def luna(tmp_path_factory: pytest.TempPathFactory, hub: FakeHub) -> Iterator[RunningLuna]:
    settings = f'[downloads]\nhub = "{hub.url}"\noffers = ["{REPO}", "ann/none"]\n'
    folder = tmp_path_factory.mktemp("luna")
    with RunningLuna(folder, settings=settings, environ={"LUNA_DOWNLOADS_HUB": hub.url}) as luna:
        yield luna


def ask(luna: RunningLuna, path: str, *fields: str) -> tuple[int, Any]:
    with Wire(luna.port) as wire:
        answer = wire.request(path, *fields)
    return answer.status, json.loads(answer.body)


def item(luna: RunningLuna) -> dict[str, Any]:
    (found,) = ask(luna, f"/api/downloads?{KEY}")[1]["DownloadItems"]
    return dict(found)


def offered(luna: RunningLuna) -> dict[str, Any]:
    return {model["id"]: model for model in ask(luna, "/api/models")[1]["models"]}


def test_the_life_of_a_download(luna: RunningLuna, hub: FakeHub) -> None:
    hold = threading.Event()
    hub.faults.append(Fault(cut=1000, hold=hold))
    status, queued = ask(luna, f"/api/downloads/enqueue?{KEY}")
    assert (status, queued["status"], queued["progress"]) == (202, "queued", 0)
    assert (queued["modelRepo"], queued["filePath"], queued["error"]) == (REPO, FILE, "")
    assert ask(luna, f"/api/downloads/enqueue?{KEY}")[0] == 208
    eventually(lambda: item(luna)["downloadedBytes"] == 1000)
    watched = item(luna)
    assert watched["status"] == "downloading"
    assert 0 < watched["progress"] < 100
    assert isinstance(watched["downloadSpeed"], str)
    hold.set()
    eventually(lambda: item(luna)["status"] == "complete")
    done = item(luna)
    assert done["progress"] == 100
    assert done["downloadedBytes"] == done["totalBytes"] == tiny_model().stat().st_size
    assert done["isa"] == "DownloadItem"
    assert json.loads(done["metadata"]) == {}
    assert isinstance(done["created"], int)

    eventually(lambda: REPO in offered(luna), "what the hub offers")
    mine = offered(luna)[REPO]
    files = {each["filePath"]: each for each in mine["items"]}
    assert files[FILE]["isDownloaded"]
    assert not files["tiny-Q8_0.gguf"]["isDownloaded"]
    assert mine["items"][0]["quantizationName"] == "Q4_K_M"
    assert "tiny-Q4_K_M" in [each["id"] for each in ask(luna, "/v1/models")[1]["data"]]

    assert ask(luna, f"/api/downloads/enqueue?{KEY}")[0] == 208
    assert ask(luna, f"/api/downloads/cancel?{KEY}")[1]["status"] == "complete"
    status, before = ask(luna, f"/api/downloads/reset?{KEY}")
    assert (status, before["status"]) == (200, "complete")
    assert ask(luna, "/api/downloads")[1] == {"DownloadItems": []}
    assert "tiny-Q4_K_M" not in [each["id"] for each in ask(luna, "/v1/models")[1]["data"]]


def test_a_cancelled_download(luna: RunningLuna, hub: FakeHub) -> None:
    hold = threading.Event()
    hub.faults.append(Fault(cut=1000, hold=hold))
    ask(luna, f"/api/downloads/enqueue?{KEY}")
    eventually(lambda: item(luna)["downloadedBytes"] == 1000)
    status, cancelled = ask(luna, f"/api/downloads/cancel?{KEY}")
    assert (status, cancelled["status"]) == (200, "cancelled")
    hold.set()
    assert ask(luna, f"/api/downloads/reset?{KEY}")[0] == 200
    eventually(lambda: not list(luna.models.glob(".downloads/*")))


@pytest.mark.parametrize("action", ["enqueue", "cancel", "reset"])
@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 422),
        (f"modelRepo={REPO}", 422),
        (f"filePath={FILE}&modelRepo=", 422),
        (f"modelRepo={REPO}&filePath=none.gguf", 404),
        (f"modelRepo=ann/none&filePath={FILE}", 404),
        (f"modelRepo=../../etc&filePath={FILE}", 404),
        ("modelRepo=%2e%2e&filePath=x", 404),
    ],
)
def test_what_cannot_be(luna: RunningLuna, action: str, query: str, status: int) -> None:
    found, body = ask(luna, f"/api/downloads/{action}?{query}")
    assert found == status
    assert body["error"]["message"]


def test_pages_of_elsewhere_start_nothing(luna: RunningLuna) -> None:
    for action in ("enqueue", "cancel", "reset"):
        path = f"/api/downloads/{action}?{KEY}"
        assert ask(luna, path, "Origin: http://evil.example")[0] == 403
        assert ask(luna, path, "X-Forwarded-For: 192.0.2.1")[0] == 403


def test_models_of_this_device_are_listed_without_a_hub(tmp_path: Path) -> None:
    with RunningLuna(tmp_path) as luna:
        models = {each["id"]: each for each in ask(luna, "/api/models")[1]["models"]}
    assert models.keys() == {"tiny", "luna-guide"}
    (item,) = models["tiny"]["items"]
    assert item["isDownloaded"]
    assert item["isInferable"]
    assert (item["modelRepo"], item["filePath"]) == ("local", "tiny.gguf")
    assert models["tiny"]["totalMemory"] > models["tiny"]["normalizedQuantizedMemRequired"] > 0


def test_a_download_goes_on_in_the_next_process(tmp_path: Path, hub: FakeHub) -> None:
    hold = threading.Event()
    hub.faults.append(Fault(cut=1000, hold=hold))
    environ = {"LUNA_DOWNLOADS_HUB": hub.url}
    first = RunningLuna(tmp_path, environ=environ)
    try:
        ask(first, f"/api/downloads/enqueue?{KEY}")
        eventually(lambda: item(first)["downloadedBytes"] == 1000)
    finally:
        first.kill()
    hold.set()
    with RunningLuna(tmp_path, environ=environ) as second:
        eventually(lambda: item(second)["status"] == "complete")
    assert hub.contents()[-1].headers["range"] == "bytes=1000-"

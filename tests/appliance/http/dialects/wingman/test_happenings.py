from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import msgspec
import pytest

from appliance.domain.inference import State, Task, Wish
from appliance.errors import ModelNotFound
from appliance.http.dialects.wingman.happenings import DownloadNews, InferenceNews
from appliance.models.downloads.item import Download, Status
from appliance.models.downloads.service import Downloads
from appliance.models.folder import Entry
from appliance.serving.inference import Inference
from tests.appliance.serving.library import Library

NOW = 10_000.0


class Fetching:
    """Downloads that a test makes up."""

    def __init__(self, *items: Download) -> None:
        self._items = items

    def items(self) -> Sequence[Download]:
        return self._items


class Running:
    """Tasks that a test makes up, and what their wishes mean."""

    def __init__(self, *tasks: Task, entries: dict[str, Entry] | None = None) -> None:
        self._tasks = tasks
        self._entries = entries or {}

    def tasks(self) -> Sequence[Task]:
        return self._tasks

    def entry(self, wish: Wish) -> Entry:
        if wish.file not in self._entries:
            raise ModelNotFound("It is not here.")
        return self._entries[wish.file]


def download(
    file: str, status: Status, done: int = 0, updated: float = NOW, error: str = ""
) -> Any:
    return Download("ann/x", file, status, 100, done, 5000.0, updated, 1e6, error)


def task(alias: str, state: State, updated: float = NOW, error: str = "") -> Task:
    return Task(Wish(alias, "ann/x", alias), state, 5000.0, updated, error)


def fetched(*items: Download) -> dict[str, Any]:
    news = DownloadNews(cast(Downloads, Fetching(*items)), lambda: NOW)
    return cast(dict[str, Any], msgspec.to_builtins(news()))


def ran(*tasks: Task) -> dict[str, Any]:
    news = InferenceNews(cast(Inference, Running(*tasks)), lambda: NOW)
    return cast(dict[str, Any], msgspec.to_builtins(news()))


def test_without_downloads_there_are_empty_frames() -> None:
    assert fetched() == {
        "DownloadService": {
            "DownloadService": {
                "isa": "DownloadServiceAppItem",
                "status": "ready",
                "currentDownload": None,
                "error": "",
                "created": 0,
                "updated": 0,
            }
        },
        "DownloadItems": {"DownloadItems": []},
    }


def test_the_download_at_work_is_the_current_one() -> None:
    frames = fetched(download("a", "queued"), download("b", "downloading", 25))
    service = frames["DownloadService"]["DownloadService"]
    assert service["status"] == "downloading"
    assert service["currentDownload"]["filePath"] == "b"
    assert service["currentDownload"]["progress"] == 25.0
    assert [item["filePath"] for item in frames["DownloadItems"]["DownloadItems"]] == ["a", "b"]
    single = {name: frame for name, frame in frames.items() if name.startswith("download_status")}
    assert len(single) == 2
    assert all(frame.keys() == {"download_status"} for frame in single.values())


@pytest.mark.parametrize(
    ("items", "status", "error"),
    [
        ([download("a", "queued")], "preparing", ""),
        ([download("a", "complete", 100)], "ready", ""),
        ([download("a", "error", error="Cut.")], "error", "Cut."),
        ([download("a", "error", 0, NOW - 9, "Cut."), download("b", "complete")], "ready", ""),
        ([download("a", "error", error="Cut."), download("b", "queued")], "preparing", ""),
    ],
)
def test_what_the_downloads_do_as_a_whole(items: list[Download], status: str, error: str) -> None:
    service = fetched(*items)["DownloadService"]["DownloadService"]
    assert (service["status"], service["error"]) == (status, error)
    assert (service["created"], service["updated"]) == (5000, int(NOW))


def test_what_ended_long_ago_stands_in_the_lists_only() -> None:
    frames = fetched(download("a", "complete", 100, NOW - 61), download("b", "complete", 100))
    assert sum(name.startswith("download_status") for name in frames) == 1
    assert len(frames["DownloadItems"]["DownloadItems"]) == 2
    frames = ran(task("a", "complete", NOW - 61), task("b", "inferring", NOW - 61))
    assert sum(name.startswith("inference_status") for name in frames) == 1
    assert len(frames["WingmanItems"]["WingmanItems"]) == 2


def test_without_a_model_the_current_item_is_empty() -> None:
    frames = ran(task("a", "complete"))
    assert frames["currentWingmanInferenceItem"] == {"currentWingmanInferenceItem": {}}
    service = frames["WingmanService"]["WingmanService"]
    assert (service["status"], service["alias"], service["isa"]) == (
        "ready",
        "",
        "WingmanServiceAppItem",
    )


@pytest.mark.parametrize(
    ("state", "status"),
    [("queued", "preparing"), ("preparing", "preparing"), ("inferring", "inferring")],
)
def test_the_model_started_last_is_the_current_one(state: State, status: str) -> None:
    frames = ran(task("a", "inferring"), task("b", state), task("c", "error", error="No."))
    current = frames["currentWingmanInferenceItem"]["currentWingmanInferenceItem"]
    assert (current["alias"], current["status"]) == ("b", state)
    service = frames["WingmanService"]["WingmanService"]
    assert (service["alias"], service["status"], service["error"]) == ("b", status, "")


def test_a_failure_is_told_while_nothing_else_runs() -> None:
    service = ran(task("a", "error", error="Too large."))["WingmanService"]["WingmanService"]
    assert (service["status"], service["alias"], service["error"]) == ("error", "a", "Too large.")


def test_a_model_has_the_name_under_which_it_was_started(tmp_path: Any) -> None:
    library = Library(tmp_path)
    library.put("one", "two")
    running = Running(
        task("gone", "inferring"),
        task("old", "complete"),
        task("mine", "inferring"),
        entries={"old": library["one"], "mine": library["one"]},
    )
    news = InferenceNews(cast(Inference, running))
    assert news.alias(library["one"]) == "mine"
    assert news.alias(library["two"]) == "two"

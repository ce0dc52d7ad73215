"""Wingman's frames of downloads and of models that were started."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from appliance.domain.inference import Task
from appliance.errors import LunaError
from appliance.http.dialects.wingman.downloads import DownloadItem, download_items
from appliance.http.dialects.wingman.inference import wingman_item, wingman_items
from appliance.models.downloads.service import Downloads
from appliance.models.folder import Entry
from appliance.serving.inference import Inference

Clock = Callable[[], float]
_RECENT = 60.0  # seconds for which an item that ended is told by itself, beside the list of all


class DownloadServiceAppItem(Struct, frozen=True):
    """What the downloads do as a whole; times are seconds since the epoch."""

    status: Literal["ready", "preparing", "downloading", "error"]
    currentDownload: DownloadItem | None
    error: str
    created: int
    updated: int
    isa: Literal["DownloadServiceAppItem"] = "DownloadServiceAppItem"


class WingmanServiceAppItem(Struct, frozen=True):
    """What the models do as a whole; times are seconds since the epoch."""

    alias: str
    modelRepo: str
    filePath: str
    status: Literal["ready", "preparing", "inferring", "error"]
    error: str
    created: int
    updated: int
    force: bool = False
    isa: Literal["WingmanServiceAppItem"] = "WingmanServiceAppItem"


class DownloadNews:
    """A source of news; `clock` gives Unix seconds."""

    def __init__(self, downloads: Downloads, clock: Clock = time.time) -> None:
        self._downloads = downloads
        self._clock = clock

    def __call__(self) -> Mapping[str, Any]:
        """The list of all, what is done as a whole, and each that is or was at work of late."""
        items = download_items(self._downloads.items()).DownloadItems
        frames: dict[str, Any] = {
            "DownloadService": {"DownloadService": _download_service(items)},
            "DownloadItems": {"DownloadItems": items},
        }
        for item in items:
            busy = item.status in ("queued", "downloading")
            if busy or self._clock() - item.updated < _RECENT:
                name = f"download_status {item.modelRepo} {item.filePath}"
                frames[name] = {"download_status": item}
        return frames


class InferenceNews:
    """A source of news; `clock` gives Unix seconds."""

    def __init__(self, inference: Inference, clock: Clock = time.time) -> None:
        self._inference = inference
        self._clock = clock

    def __call__(self) -> Mapping[str, Any]:
        """The list of all, the one that answers now, and each that is or was at work of late."""
        tasks = self._inference.tasks()
        current = _current(tasks)
        frames: dict[str, Any] = {
            "WingmanService": {"WingmanService": _wingman_service(tasks, current)},
            "WingmanItems": wingman_items(tasks),
            "currentWingmanInferenceItem": {
                "currentWingmanInferenceItem": wingman_item(current) if current else {}
            },
        }
        for task in tasks:
            if task.is_active or self._clock() - task.updated < _RECENT:
                name = f"inference_status {task.wish.alias}"
                frames[name] = {"inference_status": wingman_item(task)}
        return frames

    def alias(self, entry: Entry) -> str:
        """What clients call a model: the name under which it was started, else its id."""
        return next(self._names(entry), entry.id)

    def _names(self, entry: Entry) -> Iterator[str]:
        for task in reversed(self._inference.tasks()):
            if task.is_active and self._means(task, entry):
                yield task.wish.alias

    def _means(self, task: Task, entry: Entry) -> bool:
        try:
            return self._inference.entry(task.wish).id == entry.id
        except LunaError:  # its file has gone
            return False


def _current(tasks: Sequence[Task]) -> Task | None:
    """The one that was started last, of those that answer or soon will."""
    return next((task for task in reversed(tasks) if task.is_active), None)


def _download_service(items: Sequence[DownloadItem]) -> DownloadServiceAppItem:
    current = next((item for item in items if item.status == "downloading"), None)
    latest = max(items, key=lambda item: item.updated, default=None)
    status: Literal["ready", "preparing", "downloading", "error"] = "ready"
    if current is not None:
        status = "downloading"
    elif any(item.status == "queued" for item in items):
        status = "preparing"
    elif latest is not None and latest.status == "error":
        status = "error"
    return DownloadServiceAppItem(
        status=status,
        currentDownload=current,
        error=latest.error if latest is not None and status == "error" else "",
        created=latest.created if latest else 0,
        updated=latest.updated if latest else 0,
    )


def _wingman_service(tasks: Sequence[Task], current: Task | None) -> WingmanServiceAppItem:
    """As the one that answers now; without one, as the last that failed."""
    latest = max(tasks, key=lambda task: task.updated, default=None)
    failed = latest if latest is not None and latest.state == "error" else None
    status: Literal["ready", "preparing", "inferring", "error"] = "ready"
    if current is not None:
        status = "inferring" if current.state == "inferring" else "preparing"
    elif failed is not None:
        status = "error"
    task = current or failed
    return WingmanServiceAppItem(
        alias=task.wish.alias if task else "",
        modelRepo=task.wish.repo if task else "",
        filePath=task.wish.file if task else "",
        status=status,
        error=task.error if task else "",
        created=int(task.created) if task else 0,
        updated=int(task.updated) if task else 0,
    )

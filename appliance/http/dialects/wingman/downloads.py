"""GET /api/downloads and what can be done with them; Wingman's clients do all of it by GET."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from appliance.http.dialects.wingman.errors import WINGMAN, required
from appliance.http.exchange import Reply, Request, json_reply
from appliance.http.routes import Operation, Parameter, Route
from appliance.models.downloads.item import Download
from appliance.models.downloads.service import Downloads


class DownloadItem(Struct, frozen=True):
    """A download; `progress` is in percent, times are seconds since the epoch."""

    modelRepo: str
    filePath: str
    status: str
    totalBytes: int
    downloadedBytes: int
    downloadSpeed: str
    progress: float
    error: str
    created: int
    updated: int
    isa: Literal["DownloadItem"] = "DownloadItem"
    metadata: str = "{}"


class DownloadItems(Struct, frozen=True):
    """Every download, or those that were asked for."""

    DownloadItems: list[DownloadItem]


def download_item(download: Download) -> DownloadItem:
    """A download in Wingman's shape."""
    return DownloadItem(
        modelRepo=download.repo,
        filePath=download.file,
        status=download.status,
        totalBytes=download.total,
        downloadedBytes=download.done,
        downloadSpeed=f"{download.speed / 1e6:.1f} MB/s",
        progress=round(download.percent, 2),
        error=download.error,
        created=int(download.created),
        updated=int(download.updated),
    )


def download_items(downloads: Sequence[Download]) -> DownloadItems:
    """The answer of /api/downloads, and the frame that tells of them."""
    return DownloadItems([download_item(download) for download in downloads])


class DownloadsApi:
    """The handlers."""

    def __init__(self, downloads: Downloads) -> None:
        self._downloads = downloads

    def list(self, request: Request) -> Reply:
        """GET /api/downloads."""
        query = request.query
        found = self._downloads.items(query.get("modelRepo", ""), query.get("filePath", ""))
        return json_reply(download_items(found))

    def enqueue(self, request: Request) -> Reply:
        """GET /api/downloads/enqueue."""
        item, new = self._downloads.enqueue(*_key(request))
        return json_reply(download_item(item), 202 if new else 208)

    def cancel(self, request: Request) -> Reply:
        """GET /api/downloads/cancel."""
        return json_reply(download_item(self._downloads.cancel(*_key(request))))

    def reset(self, request: Request) -> Reply:
        """GET /api/downloads/reset."""
        return json_reply(download_item(self._downloads.reset(*_key(request))))


def routes(downloads: Downloads) -> tuple[Route, ...]:
    """The table."""
    api = DownloadsApi(downloads)
    key = (
        Parameter("modelRepo", "The repository on the hub: owner/name"),
        Parameter("filePath", "The path of the model's file there, the first one of a split one"),
    )
    listing = Operation("Downloads of models", "Wingman", answer=DownloadItems, query=key)
    enqueue = Operation(
        "Fetch a model",
        "Wingman",
        answer=DownloadItem,
        accepted="The download waits for its turn",
        known="It is here already, or on its way",
        statuses=(404, 422, 502, 507),
        query=key,
    )
    cancel = Operation(
        "Stop fetching a model",
        "Wingman",
        answer=DownloadItem,
        description="What came is kept until the next start, so that it can go on.",
        statuses=(404, 422),
        query=key,
    )
    reset = Operation(
        "Forget a download",
        "Wingman",
        answer=DownloadItem,
        description="Its files are deleted, the model too. The answer is how it was before.",
        statuses=(404, 422),
        query=key,
    )
    return (
        Route("GET", "/api/downloads", api.list, listing, WINGMAN),
        Route("GET", "/api/downloads/enqueue", api.enqueue, enqueue, WINGMAN, "admin", True),
        Route("GET", "/api/downloads/cancel", api.cancel, cancel, WINGMAN, "admin", True),
        Route("GET", "/api/downloads/reset", api.reset, reset, WINGMAN, "admin", True),
    )


def _key(request: Request) -> tuple[str, str]:
    return required(request, "modelRepo"), required(request, "filePath")

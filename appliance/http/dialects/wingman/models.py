"""GET /api/models: what is in the models folder, and what a hub has to offer beside it.

Memory is told in megabytes (2^20 bytes), as /api/hardware does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Literal

from msgspec import Struct

from appliance.domain import model_size
from appliance.domain.model_size import MIB
from appliance.errors import ReadingUnavailable
from appliance.http.dialects.wingman.errors import WINGMAN
from appliance.http.exchange import Reply, Request, json_reply
from appliance.http.routes import Operation, Route
from appliance.models.details import details
from appliance.models.downloads.item import Key
from appliance.models.downloads.service import Downloads
from appliance.models.folder import Entry
from appliance.models.hub.offers import Offer, offers, quantisation
from appliance.models.hub.repository import Repository
from appliance.models.hub.shelf import Shelf
from appliance.models.registry import Registry
from appliance.system.memory import Memory

LOCAL = "local"
"""The repository of models that came from no hub."""


class DownloadableItem(Struct, frozen=True):
    """A file of a model; `location` is its path here, or its address on the hub."""

    modelRepo: str
    modelRepoName: str
    filePath: str
    quantization: str
    quantizationName: str
    isDownloaded: bool
    available: bool
    hasError: bool
    location: str
    isInferable: bool
    normalizedQuantizedMemRequired: int
    isa: Literal["DownloadableItem"] = "DownloadableItem"


class AIModel(Struct, frozen=True):
    """A model and its files; scores are 0, which stands for not known."""

    id: str
    name: str
    maxLength: int
    tokenLimit: int
    vendor: str
    location: str
    items: list[DownloadableItem]
    downloads: int
    likes: int
    created: str
    updated: str
    size: str
    isInferable: bool
    totalMemory: int
    availableMemory: int
    normalizedQuantizedMemRequired: int
    iQScore: float = 0.0
    eQScore: float = 0.0
    isa: Literal["AIModel"] = "AIModel"


class AIModels(Struct, frozen=True):
    """Every model: those of this device first."""

    models: list[AIModel]


@dataclass(frozen=True, slots=True)
class Sight:
    """What is known at one moment: models here by key, keys of failed downloads, the memory."""

    hub: str
    here: Mapping[Key, Entry]
    failed: frozenset[Key]
    memory: Memory


def ai_models(entries: Sequence[Entry], shelf: Sequence[Repository], sight: Sight) -> AIModels:
    """The answer; `entries` are the models here, `shelf` what the hub told the last time."""
    offered = {repository.name: offers(repository) for repository in shelf}
    known = {(repo, offer.file) for repo, found in offered.items() for offer in found}
    own = [
        _model_of_entry(entry, sight)
        for entry in entries
        if entry.manifest.source is None
        or (entry.manifest.source.repo, entry.manifest.source.file) not in known
    ]
    models = [_model_of_offers(each, offered[each.name], sight) for each in shelf]
    there = sorted(models, key=lambda model: not any(i.isDownloaded for i in model.items))
    return AIModels([*own, *there])


class ModelsApi:
    """The handler."""

    def __init__(
        self,
        registry: Registry,
        downloads: Downloads,
        shelf: Shelf,
        memory: Callable[[], Memory],
    ) -> None:
        self._registry = registry
        self._downloads = downloads
        self._shelf = shelf
        self._memory = memory

    def list(self, request: Request) -> Reply:
        """GET /api/models."""
        failed = {item.key for item in self._downloads.items() if item.status == "error"}
        sight = Sight(
            self._shelf.hub, self._registry.downloaded(), frozenset(failed), self._read_memory()
        )
        offered = self._shelf.repositories()
        return json_reply(ai_models(self._registry.entries(), offered, sight))

    def _read_memory(self) -> Memory:
        try:
            return self._memory()
        except ReadingUnavailable:
            return Memory(0, 0)


def routes(api: ModelsApi) -> tuple[Route, ...]:
    """The table."""
    listing = Operation(
        "Models of this device, and models to fetch",
        "Wingman",
        answer=AIModels,
        description="What the hub offers is what it told the last time; see `downloads.offers`.",
    )
    return (Route("GET", "/api/models", api.list, listing, WINGMAN),)


def _model_of_offers(repository: Repository, found: Sequence[Offer], sight: Sight) -> AIModel:
    items = [_item_of_offer(offer, sight) for offer in found]
    vendor, _, name = repository.name.partition("/")
    return _model(
        repository.name,
        name,
        vendor,
        f"{sight.hub}/{repository.name}",
        items,
        (offer.size for offer in found),
        sight,
        context=repository.context,
        downloads=repository.downloads,
        likes=repository.likes,
        created=repository.created,
        updated=repository.updated,
    )


def _model_of_entry(entry: Entry, sight: Sight) -> AIModel:
    source = entry.manifest.source
    repo = source.repo if source else LOCAL
    file = source.file if source else entry.path.name
    named = quantisation(file) or details(entry).quantization
    item = DownloadableItem(
        modelRepo=repo,
        modelRepoName=repo.rpartition("/")[2],
        filePath=file,
        quantization=named.lower(),
        quantizationName=named,
        isDownloaded=True,
        available=True,
        hasError=not entry.usable,
        location=str(entry.path),
        isInferable=entry.usable and _fits(entry.size_bytes, sight),
        normalizedQuantizedMemRequired=_needs(entry.size_bytes),
    )
    changed = datetime.fromtimestamp(entry.changed, UTC).isoformat(timespec="seconds")
    return _model(
        entry.id,
        entry.id,
        repo.partition("/")[0],
        str(entry.path),
        [item],
        [entry.size_bytes],
        sight,
        context=entry.context_length,
        created=changed,
        updated=changed,
    )


def _item_of_offer(offer: Offer, sight: Sight) -> DownloadableItem:
    key = (offer.repo, offer.file)
    entry = sight.here.get(key)
    return DownloadableItem(
        modelRepo=offer.repo,
        modelRepoName=offer.repo.rpartition("/")[2],
        filePath=offer.file,
        quantization=offer.quantisation.lower(),
        quantizationName=offer.quantisation or PurePosixPath(offer.file).name,
        isDownloaded=entry is not None,
        available=True,
        hasError=key in sight.failed,
        location=str(entry.path) if entry else f"{sight.hub}/{offer.repo}/blob/main/{offer.file}",
        isInferable=_fits(offer.size, sight),
        normalizedQuantizedMemRequired=_needs(offer.size),
    )


def _model(
    id: str,
    name: str,
    vendor: str,
    location: str,
    items: list[DownloadableItem],
    sizes: Iterable[int],
    sight: Sight,
    *,
    context: int,
    created: str,
    updated: str,
    downloads: int = 0,
    likes: int = 0,
) -> AIModel:
    """A model as large as its largest file that works here, or its smallest if none does."""
    every = sorted(sizes)
    size = max((each for each in every if _fits(each, sight)), default=every[0] if every else 0)
    return AIModel(
        id=id,
        name=name,
        maxLength=context,
        tokenLimit=context,
        vendor=vendor,
        location=location,
        items=items,
        downloads=downloads,
        likes=likes,
        created=created,
        updated=updated,
        size=f"{size / 1e9:.2f} GB",
        isInferable=any(item.isInferable for item in items),
        totalMemory=sight.memory.total_bytes // MIB,
        availableMemory=sight.memory.available_bytes // MIB,
        normalizedQuantizedMemRequired=_needs(size),
    )


def _fits(size: int, sight: Sight) -> bool:
    total = sight.memory.total_bytes
    return not total or model_size.fits(size, total)


def _needs(size: int) -> int:
    return model_size.required_bytes(size) // MIB

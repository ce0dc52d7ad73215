"""What dialects are made of: here engines, stores and services are chosen."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from appliance import guide
from appliance.domain.keys import Keyring
from appliance.domain.model_size import usable_bytes
from appliance.domain.patience import Patience
from appliance.engines.base import Engine
from appliance.engines.llamacpp.engine import LlamaCpp
from appliance.engines.rkllm.chat.prefixfiles import PrefixFiles
from appliance.engines.rkllm.domains import Domains
from appliance.engines.rkllm.engine import Rkllm
from appliance.engines.rkllm.model import NpuModel
from appliance.errors import ConfigError, ReadingUnavailable
from appliance.http.access import Guard, rules_of
from appliance.http.dialects.wingman.condition import Condition
from appliance.http.dialects.wingman.happenings import DownloadNews, InferenceNews
from appliance.http.dialects.wingman.news import News
from appliance.http.dialects.wingman.performance import Performance
from appliance.models.downloads.ledger import Ledger
from appliance.models.downloads.means import means_of
from appliance.models.downloads.service import Downloads
from appliance.models.folder import Entry
from appliance.models.hub.shelf import Shelf
from appliance.models.registry import Registry
from appliance.observe.logbook import Logbook
from appliance.observe.metrics import Metrics
from appliance.observe.metrics_downloads import DownloadMetrics
from appliance.observe.profile import Profile
from appliance.observe.runs import Runs
from appliance.serving.conversation import Conversation
from appliance.serving.inference import Inference
from appliance.serving.pool import Pool
from appliance.serving.toolbox import SHIPPED_TOOLS, Toolbox
from appliance.serving.wishes import Wishes
from appliance.settings import Settings, UpdateSettings
from appliance.specs import context_of, model_spec, npu_spec
from appliance.store import first_key
from appliance.store.database import Database
from appliance.store.downloads import DownloadRows, OfferRows
from appliance.store.inference import Tasks
from appliance.store.keys import CurrentKeys, Keys
from appliance.store.responses import KeptResponses
from appliance.system.board import read_board
from appliance.system.memory import peak_rss_bytes, read_memory
from appliance.system.processes import Spawner


@dataclass(frozen=True, slots=True)
class Services:
    """What dialects are made of."""

    registry: Registry
    pool: Pool
    conversation: Conversation
    toolbox: Toolbox
    runs: Runs
    metrics: Metrics
    profile: Profile
    logbook: Logbook
    models_folder: Path
    patience: Patience
    incidents: Path
    reset_folder: Path | None
    context: Callable[[Entry], int]
    database: Database
    ring: Callable[[], Keyring]
    responses: KeptResponses
    guard: Guard
    news: News
    downloads: Downloads
    download_metrics: DownloadMetrics
    shelf: Shelf
    inference: Inference
    updates: UpdateSettings


def services_of(settings: Settings, environ: Mapping[str, str], spawner: Spawner) -> Services:
    """Everything that some settings mean; raises ConfigError where they cannot be followed."""
    folder = settings.models_folder(environ)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"The models folder {folder} cannot be made: {error.strerror}. Name another with "
            "--models-dir."
        ) from error
    registry = Registry(folder, settings.models, bundled=guide.model_path())
    queue = settings.queue
    patience = Patience(queue.stall_seconds, queue.slowest_prefill)
    slots = settings.data_folder(environ) / "slots"

    domains = Domains()
    wishes = Wishes()

    @cache
    def prompt_caches() -> PrefixFiles:
        return _prompt_caches(settings, environ)

    def make_engine(entry: Entry) -> Engine:
        spec = wishes.applied(model_spec(entry, settings))
        if entry.for_npu:
            model = NpuModel(npu_spec(entry, spec, folder), settings.npu_engine, spawner, domains)
            return Rkllm(model, settings.npu_engine, patience, prompt_caches())
        return LlamaCpp(spec, settings.cpu_engine, spawner, patience, slots)

    pool = Pool(
        registry,
        make_engine,
        settings.models,
        queue.length,
        memory_bytes=settings.models.memory_bytes or _memory_for_models(),
    )
    toolbox = Toolbox((SHIPPED_TOOLS, *settings.tools.folders), settings.tools.seconds)
    runs = Runs(peak_rss_bytes)
    profile = Profile()
    metrics = Metrics(ended=profile.note)
    conversation = Conversation(registry, pool, toolbox, settings.tools.rounds, runs, metrics)
    database = Database(settings.database_file(environ))
    keys = Keys(database)
    first_key.take_in(settings.data_folder(environ), keys)
    mark = settings.mdns.auth_mark
    ring = CurrentKeys(keys, database.path, changed=partial(_leave_mark, mark)).ring
    kept = settings.responses
    means = means_of(settings.downloads, folder)
    download_metrics = DownloadMetrics()
    ledger = Ledger(DownloadRows(database), download_metrics)
    downloads = Downloads(means, registry, ledger, settings.downloads.parallel, pool.let_go)
    inference = Inference(registry, pool, wishes, Tasks(database))
    return Services(
        registry,
        pool,
        conversation,
        toolbox,
        runs,
        metrics,
        profile,
        Logbook(),
        folder,
        patience,
        incidents=settings.watchdog_folder(environ),
        reset_folder=settings.data_folder(environ) if settings.device.reset else None,
        context=lambda entry: context_of(entry, settings),
        database=database,
        ring=ring,
        responses=KeptResponses(database, kept.count, kept.bytes),
        guard=_guard(settings, ring),
        news=_news(registry, pool, metrics, runs, downloads, inference),
        downloads=downloads,
        download_metrics=download_metrics,
        shelf=Shelf(means.hub, OfferRows(database), settings.downloads.offers),
        inference=inference,
        updates=settings.updates,
    )


def _news(
    registry: Registry,
    pool: Pool,
    metrics: Metrics,
    runs: Runs,
    downloads: Downloads,
    inference: Inference,
) -> News:
    happening = InferenceNews(inference)
    performance = Performance(pool, metrics, runs, happening.alias)
    return News([Condition(registry, pool), DownloadNews(downloads), happening, performance])


def _memory_for_models() -> float:
    """Bytes; without any bound where the machine's memory cannot be read."""
    try:
        return usable_bytes(read_memory().total_bytes)
    except ReadingUnavailable:
        return math.inf


def _prompt_caches(settings: Settings, environ: Mapping[str, str]) -> PrefixFiles:
    folder = settings.data_folder(environ) / "prompt-caches"
    try:
        return PrefixFiles(folder, settings.npu_engine.cache_bytes)
    except OSError as error:
        raise ConfigError(
            f"The folder {folder} cannot be used: {error.strerror}. Name another with --data-dir."
        ) from error


def _leave_mark(mark: Path, ring: Keyring) -> None:
    """Let discovery, which may not look into the store, know whether keys are wanted."""
    with suppress(OSError):  # there is no such folder but on a device
        if ring.closes_inference:
            mark.touch()
        else:
            mark.unlink(missing_ok=True)


def _guard(settings: Settings, ring: Callable[[], Keyring]) -> Guard:
    own, readers = read_board().hostname, settings.server.cors_origins
    return Guard(rules_of(settings.access, settings.rate, own, readers), ring)

"""The one place where the parts are chosen and put together: settings in, a running server out."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from appliance import guide
from appliance.config import Settings
from appliance.domain.keys import Keyring
from appliance.domain.messages import ToolDefinition
from appliance.domain.model_size import usable_bytes
from appliance.domain.patience import Patience
from appliance.engines.base import Engine
from appliance.engines.llamacpp.engine import LlamaCpp
from appliance.engines.rkllm.chat.prefixfiles import PrefixFiles
from appliance.engines.rkllm.domains import Domains
from appliance.engines.rkllm.engine import Rkllm
from appliance.engines.rkllm.model import NpuModel
from appliance.errors import ConfigError, LunaError, ReadingUnavailable
from appliance.http import listeners
from appliance.http.access import Guard, rules_of
from appliance.http.app import App
from appliance.http.dialects.anthropic import routes as anthropic
from appliance.http.dialects.browserllm import routes as browserllm
from appliance.http.dialects.browserllm.choice import Choice
from appliance.http.dialects.browserllm.debug import Debug
from appliance.http.dialects.browserllm.generating import Generating as BrowserLlmGenerating
from appliance.http.dialects.browserllm.models import Models
from appliance.http.dialects.browserllm.status import Readings as BrowserLlmReadings
from appliance.http.dialects.browserllm.status import Status
from appliance.http.dialects.llamacpp import routes as llamacpp
from appliance.http.dialects.llamacpp.asking import Asking
from appliance.http.dialects.llamacpp.generating import Generating
from appliance.http.dialects.llamacpp.metrics import routes as metrics_routes
from appliance.http.dialects.luna import reset, wifi
from appliance.http.dialects.luna import routes as luna
from appliance.http.dialects.luna.engines import Engines
from appliance.http.dialects.luna.engines import routes as engine_routes
from appliance.http.dialects.luna.incidents import report
from appliance.http.dialects.ollama import routes as ollama
from appliance.http.dialects.ollama.asking import Asking as OllamaAsking
from appliance.http.dialects.ollama.library import Library
from appliance.http.dialects.openai import responses
from appliance.http.dialects.openai import routes as openai
from appliance.http.dialects.wingman import hardware
from appliance.http.edge import Edge
from appliance.http.hangup import HangupWatch
from appliance.http.limits import Limits
from appliance.http.openapi import document_routes
from appliance.http.routes import Route
from appliance.http.sdk import sdk_routes
from appliance.http.server import Server
from appliance.models.folder import Entry
from appliance.models.registry import Registry
from appliance.observe.logbook import Logbook
from appliance.observe.metrics import Metrics, page_of
from appliance.observe.metrics_device import DeviceMetrics, DeviceReadings
from appliance.observe.profile import Profile
from appliance.observe.runs import Runs
from appliance.serving.conversation import Conversation
from appliance.serving.loads import model_loads
from appliance.serving.pool import Pool
from appliance.serving.toolbox import SHIPPED_TOOLS, Toolbox
from appliance.specs import context_of, model_spec, npu_spec
from appliance.store.database import Database
from appliance.store.keys import CurrentKeys, Keys
from appliance.store.responses import KeptResponses
from appliance.system.board import read_board, read_temperatures
from appliance.system.cpu import CpuMeter
from appliance.system.disk import read_disk
from appliance.system.gpu import read_gpus
from appliance.system.hardware import read_hardware
from appliance.system.memory import out_of_memory_kills, peak_rss_bytes, read_memory
from appliance.system.npu import read_npu
from appliance.system.processes import Spawner, kill_now
from appliance.system.provisioning import Provisioning

_log = logging.getLogger(__name__)


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


class Appliance:
    """A whole server; `start` returns when it answers, `stop` when nothing of it is left."""

    def __init__(self, settings: Settings, environ: Mapping[str, str] = os.environ) -> None:
        self._settings = settings
        self._watch = HangupWatch()
        self._spawner = Spawner()
        server = settings.server
        try:
            self.services = _services(settings, environ, self._spawner)
            routes = all_routes(self.services, connections=lambda: self.server.connections)
            count = self.services.metrics.request
            app = App(routes, _guard(settings, self.services.ring))
            self.server = Server(
                Edge(app, self._watch, server.cors_origins, count=count),
                listeners.opened(server, environ),
                Limits(workers=server.workers, body_bytes=server.body_bytes),
            )
        except ConfigError:
            self._spawner.close()
            raise

    @property
    def urls(self) -> tuple[str, ...]:
        """Where the server can be reached from this machine."""
        scheme = "https" if self._settings.server.tls_certificate else "http"
        return tuple(
            f"{scheme}://{_printable(address[0])}:{address[1]}"
            for address in self.server.addresses
            if not isinstance(address, str)
        )

    def start(self) -> None:
        """Answer from now on; the pinned models and the default one begin to load."""
        logging.getLogger().addHandler(self.services.logbook)
        self._watch.start()
        self.server.start()
        pinned = self._settings.models.pinned
        registry = self.services.registry
        wanted: list[Callable[[], Entry]] = [partial(registry.find, name) for name in pinned]
        for model in (*wanted, registry.default):
            try:
                self.services.pool.preload(model())
            except LunaError as error:
                _log.warning("a model is not loaded yet: %s", error)

    def stop(self) -> None:
        """Drain, then end the server and every engine."""
        self.services.pool.drain(self._settings.server.drain_seconds)
        self.server.stop()
        self.services.pool.close()
        self._watch.stop()
        self._spawner.close()
        self.services.database.close()
        logging.getLogger().removeHandler(self.services.logbook)


def all_routes(services: Services, connections: Callable[[], int]) -> tuple[Route, ...]:
    """Every route of every dialect, and the documents that describe them."""
    appliance = luna.Luna(
        services.registry,
        services.pool,
        services.runs,
        luna.Readings(
            cpu_percent=CpuMeter().percent,
            memory=read_memory,
            npu=read_npu,
            tools=lambda: [tool.name for tool in services.toolbox.tools()],
            watchdog=lambda: report(services.incidents),
        ),
    )
    health = Engines(services.pool, services.patience, kill_now)
    tools = _definitions(services.toolbox)
    api = openai.OpenAI(
        services.conversation,
        services.registry,
        services.pool,
        device_tools=tools,
    )
    native = llamacpp.routes(
        Generating(services.conversation, api),
        Asking(services.conversation, services.registry, services.pool, tools),
        api,
    )
    apps = (
        *responses.routes(services.conversation, services.responses, services.ring),
        *anthropic.routes(anthropic.Anthropic(services.conversation)),
        *_browser_llm(services),
        *ollama.routes(
            OllamaAsking(services.conversation, services.registry, services.pool),
            Library(services.registry, services.pool, services.context),
        ),
    )
    device = (
        *luna.routes(appliance),
        *wifi.routes(wifi.WifiApi(Provisioning())),
        *reset.routes(reset.ResetApi(services.reset_folder)),
        *engine_routes(health),
        *hardware.routes(partial(read_hardware, services.models_folder, CpuMeter().percent)),
        *metrics_routes(_metrics_page(services, connections), time.time()),
    )
    routes = (*device, *openai.routes(api), *native, *apps, *sdk_routes())
    routes = (*routes, *document_routes(routes))
    appliance.announce(sorted({route.public_path for route in routes}))
    return routes


def _browser_llm(services: Services) -> tuple[Route, ...]:
    registry, pool, profile = services.registry, services.pool, services.profile
    choice = Choice(registry)
    readings = BrowserLlmReadings(
        memory=read_memory,
        memory_errors=out_of_memory_kills,
        disk=lambda: read_disk(services.models_folder),
        gpus=read_gpus,
        npu=read_npu,
    )
    return browserllm.routes(
        BrowserLlmGenerating(services.conversation, choice),
        Models(registry, pool, choice, profile, services.context, peak_rss_bytes),
        Status(registry, pool, choice, profile, readings),
        Debug(services.logbook, profile),
    )


def _metrics_page(services: Services, connections: Callable[[], int]) -> Callable[[], bytes]:
    readings = DeviceReadings(
        models=lambda: model_loads(services.pool),
        connections=connections,
        held_tokens=services.metrics.held,
        cpu_percent=CpuMeter().percent,
        memory=read_memory,
        disk=lambda: read_disk(services.models_folder),
        npu=read_npu,
        temperatures=read_temperatures,
    )
    return page_of(services.metrics, DeviceMetrics(readings))


def _services(settings: Settings, environ: Mapping[str, str], spawner: Spawner) -> Services:
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

    @cache
    def prompt_caches() -> PrefixFiles:
        return _prompt_caches(settings, environ)

    def make_engine(entry: Entry) -> Engine:
        if entry.for_npu:
            model = NpuModel(
                npu_spec(entry, settings, folder), settings.npu_engine, spawner, domains
            )
            return Rkllm(model, settings.npu_engine, patience, prompt_caches())
        return LlamaCpp(model_spec(entry, settings), settings.cpu_engine, spawner, patience, slots)

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
    kept = settings.responses
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
        ring=CurrentKeys(Keys(database), database.path).ring,
        responses=KeptResponses(database, kept.count, kept.bytes),
    )


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


def _guard(settings: Settings, ring: Callable[[], Keyring]) -> Guard:
    return Guard(rules_of(settings.access, settings.rate, read_board().hostname), ring)


def _definitions(toolbox: Toolbox) -> Callable[[], Mapping[str, ToolDefinition]]:
    return lambda: {
        tool.name: ToolDefinition(tool.name, tool.description, tool.parameters)
        for tool in toolbox.tools()
    }


def _printable(host: str) -> str:
    if host in ("::", "0.0.0.0"):
        return "localhost"
    return f"[{host}]" if ":" in host else host

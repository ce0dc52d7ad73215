"""The one place where the parts are chosen and put together: settings in, a running server out."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from functools import partial

from appliance.domain.messages import ToolDefinition
from appliance.errors import ConfigError, LunaError
from appliance.http import listeners
from appliance.http.app import App
from appliance.http.dialects.anthropic import routes as anthropic
from appliance.http.dialects.browserllm import routes as browserllm
from appliance.http.dialects.browserllm import socket as browserllm_socket
from appliance.http.dialects.browserllm.absent import Absent
from appliance.http.dialects.browserllm.choice import Choice
from appliance.http.dialects.browserllm.debug import Debug
from appliance.http.dialects.browserllm.generating import Generating as BrowserLlmGenerating
from appliance.http.dialects.browserllm.models import Models
from appliance.http.dialects.browserllm.socket import BrowserLlmSocket
from appliance.http.dialects.browserllm.status import Readings as BrowserLlmReadings
from appliance.http.dialects.browserllm.status import Status
from appliance.http.dialects.llamacpp import routes as llamacpp
from appliance.http.dialects.llamacpp.asking import Asking
from appliance.http.dialects.llamacpp.generating import Generating
from appliance.http.dialects.llamacpp.metrics import routes as metrics_routes
from appliance.http.dialects.luna import reset, update, wifi
from appliance.http.dialects.luna import routes as luna
from appliance.http.dialects.luna.engines import Engines
from appliance.http.dialects.luna.engines import routes as engine_routes
from appliance.http.dialects.luna.incidents import report
from appliance.http.dialects.ollama import routes as ollama
from appliance.http.dialects.ollama.asking import Asking as OllamaAsking
from appliance.http.dialects.ollama.library import Library
from appliance.http.dialects.ollama.pulling import Pulling
from appliance.http.dialects.openai import responses
from appliance.http.dialects.openai import routes as openai
from appliance.http.dialects.wingman import downloads as wingman_downloads
from appliance.http.dialects.wingman import hardware
from appliance.http.dialects.wingman import inference as wingman_inference
from appliance.http.dialects.wingman import log as wingman_log
from appliance.http.dialects.wingman import models as wingman_models
from appliance.http.dialects.wingman import shutdown as wingman_shutdown
from appliance.http.dialects.wingman import socket as wingman_socket
from appliance.http.dialects.wingman.models import ModelsApi
from appliance.http.dialects.wingman.paths import socket_path
from appliance.http.dialects.wingman.relay import Relay
from appliance.http.dialects.wingman.socket import WingmanSocket
from appliance.http.edge import Edge
from appliance.http.hangup import HangupWatch
from appliance.http.limits import Limits
from appliance.http.openapi import document_routes
from appliance.http.routes import Route
from appliance.http.sdk import sdk_routes
from appliance.http.server import Server
from appliance.http.websocket.doorway import Doorway
from appliance.models.downloads.means import this_machine
from appliance.models.folder import Entry
from appliance.observe.metrics import page_of
from appliance.observe.metrics_device import DeviceMetrics, DeviceReadings
from appliance.observe.metrics_watchdog import WatchdogMetrics
from appliance.observe.sockets import SocketMetrics
from appliance.services import Services, services_of
from appliance.serving.loads import model_loads
from appliance.serving.toolbox import Toolbox
from appliance.settings import Settings
from appliance.system.board import read_temperatures
from appliance.system.cpu import CpuMeter
from appliance.system.disk import read_disk
from appliance.system.gpu import read_gpus
from appliance.system.hardware import read_hardware
from appliance.system.memory import out_of_memory_kills, peak_rss_bytes, read_memory
from appliance.system.npu import read_npu
from appliance.system.processes import Spawner, kill_now
from appliance.system.provisioning import Provisioning

_log = logging.getLogger(__name__)


class Appliance:
    """A whole server; `start` returns when it answers, `stop` when nothing of it is left.

    `shutdown` is called, at once and in any thread, when an administrator wants the server to end.
    """

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str] = os.environ,
        shutdown: Callable[[], object] = lambda: None,
    ) -> None:
        self._settings = settings
        self._watch = HangupWatch()
        self._spawner = Spawner()
        server = settings.server
        try:
            self.services = services_of(settings, environ, self._spawner)
            routes = all_routes(self.services, lambda: self.server, shutdown)
            count = self.services.metrics.request
            app = Doorway(App(routes, self.services.guard), socket_path)
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
        self.services.downloads.start()
        self.services.inference.restore()
        pinned = self._settings.models.pinned
        registry = self.services.registry
        wanted: list[Callable[[], Entry]] = [partial(registry.find, name) for name in pinned]
        if not any(task.is_active for task in self.services.inference.tasks()):
            wanted.append(registry.default)
        for model in wanted:
            try:
                self.services.pool.preload(model())
            except LunaError as error:
                _log.warning("a model is not loaded yet: %s", error)

    def stop(self) -> None:
        """Drain, then end the server and every engine."""
        self.services.inference.close()
        self.services.pool.drain(self._settings.server.drain_seconds)
        self.services.news.stop()
        self.services.downloads.stop()
        self.services.shelf.close()
        self.server.stop()
        self.services.pool.close()
        self.services.inference.join()
        self._watch.stop()
        self._spawner.close()
        self.services.database.close()
        logging.getLogger().removeHandler(self.services.logbook)


def all_routes(
    services: Services, server: Callable[[], Server], shutdown: Callable[[], object]
) -> tuple[Route, ...]:
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
            Pulling(services.registry, services.downloads, this_machine),
        ),
    )
    ending = wingman_shutdown.routes(shutdown)
    device = (
        *luna.routes(appliance),
        *wifi.routes(wifi.WifiApi(Provisioning())),
        *reset.routes(reset.ResetApi(services.reset_folder)),
        *update.routes(update.UpdateApi(services.updates)),
        *engine_routes(health),
        *hardware.routes(partial(read_hardware, services.models_folder, CpuMeter().percent)),
        *wingman_downloads.routes(services.downloads),
        *wingman_inference.routes(services.inference),
        *wingman_log.routes(),
        *ending,
        *wingman_models.routes(
            ModelsApi(services.registry, services.downloads, services.shelf, read_memory)
        ),
        *metrics_routes(_metrics_page(services, server), time.time()),
        *wingman_socket.routes(
            WingmanSocket(services.news, Relay(), services.guard.judge(ending), shutdown)
        ),
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
    absent = Absent(services.downloads.items)
    generating = BrowserLlmGenerating(services.conversation, choice)
    routes = browserllm.routes(
        generating,
        Models(registry, pool, absent, choice, profile, services.context, peak_rss_bytes),
        Status(registry, pool, choice, profile, readings),
        Debug(services.logbook, profile),
    )
    judge = services.guard.judge(routes)
    socket = BrowserLlmSocket(generating, services.logbook, profile, judge)
    return (*routes, *browserllm_socket.routes(socket))


def _metrics_page(services: Services, server: Callable[[], Server]) -> Callable[[], bytes]:
    readings = DeviceReadings(
        models=lambda: model_loads(services.pool),
        connections=lambda: server().connections,
        held_tokens=services.metrics.held,
        cpu_percent=CpuMeter().percent,
        memory=read_memory,
        disk=lambda: read_disk(services.models_folder),
        npu=read_npu,
        temperatures=read_temperatures,
    )
    sockets = SocketMetrics(lambda: server().sockets)
    watchdog = WatchdogMetrics(lambda: report(services.incidents))
    device = DeviceMetrics(readings)
    return page_of(services.metrics, device, sockets, services.download_metrics, watchdog)


def _definitions(toolbox: Toolbox) -> Callable[[], Mapping[str, ToolDefinition]]:
    return lambda: {
        tool.name: ToolDefinition(tool.name, tool.description, tool.parameters)
        for tool in toolbox.tools()
    }


def _printable(host: str) -> str:
    if host in ("::", "0.0.0.0"):
        return "localhost"
    return f"[{host}]" if ":" in host else host

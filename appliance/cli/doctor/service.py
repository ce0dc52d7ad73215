"""What a server is made of beside models: settings, its port, the tools folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from appliance.cli.client import Client, ServerFailed, ServerUnreachable
from appliance.cli.doctor.check import Finding, ok, problem, warning
from appliance.errors import ConfigError
from appliance.http import listeners
from appliance.serving.toolbox import Toolbox
from appliance.settings import ServerSettings

_ANSWER_SECONDS = 3.0


def settings_files(files: Sequence[Path], error: ConfigError | None) -> Finding:
    """Which files were read, and what is wrong in them."""
    if error is not None:
        remedy = "Correct that setting, or name other files with --config."
        return problem("settings", error.message, remedy)
    read = ", ".join(map(str, files)) or "no file; the built-in settings hold"
    return ok("settings", f"Settings are valid (read: {read}).")


def server(url: str, api_key: str = "") -> Finding:
    """Whether a Luna answers at `url`, where the user says that one does."""
    try:
        answer = Client(url, api_key, _ANSWER_SECONDS).get("/luna")
    except ServerUnreachable as error:
        return problem("server", error.message, "Start it: luna serve")
    except ServerFailed as error:
        return problem("server", f"{url}: {error}", "Name a Luna's address with --url.")
    if _is_luna(answer):
        return ok("server", f"A Luna answers at {url}.")
    return problem("server", f"{url} is not a Luna.", "Name a Luna's address with --url.")


def port(settings: ServerSettings) -> Finding:
    """Whether `luna serve` could listen, or does already."""
    scheme = "https" if settings.tls_certificate else "http"
    host = "localhost" if settings.host in ("", "::", "0.0.0.0") else settings.host
    url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.port}"
    try:
        if settings.port and _is_luna(Client(url, timeout=_ANSWER_SECONDS).get("/luna")):
            return ok("port", f"A Luna answers at {url} already.")
    except (ServerUnreachable, ServerFailed):
        pass  # then the port is free, or somebody else's: binding it tells
    host = "" if settings.host == "0.0.0.0" else settings.host
    try:
        for listener in listeners.bind(host, settings.port):
            listener.socket.close()
    except ConfigError as error:
        remedy = "Choose another port: luna serve --port 8081, or set server.port."
        return problem("port", error.message, remedy)
    return ok("port", f"Port {settings.port} is free.")


def tools(toolbox: Toolbox) -> Finding:
    """Which files with device tools are refused, and why."""
    names = ", ".join(tool.name for tool in toolbox.tools()) or "none"
    refused = toolbox.refused()
    if not refused:
        return ok("tools", f"Device tools: {names}.")
    reasons = " ".join(f"{path.name}: {reason}" for path, reason in refused)
    remedy = "Make them root's and nobody else's to change: sudo chown root FILE; chmod go-w FILE"
    return warning("tools", f"Device tools: {names}. Refused: {reasons}", remedy)


def _is_luna(answer: object) -> bool:
    return isinstance(answer, dict) and answer.get("device") == "luna"

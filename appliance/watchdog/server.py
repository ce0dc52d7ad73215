"""The API server, asked how it is and told what to do; a few routes of it, on this machine."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from appliance.errors import ConfigError, LunaError
from appliance.settings import Settings
from appliance.system.unix_http import UnixConnection
from appliance.watchdog.readings import Heartbeat

_SECONDS = 5.0
_CANARY_SECONDS = 30.0


class ServerRefused(LunaError):
    """The server did not do what the watchdog asked for."""

    code = "server_refused"


class _Engine(Struct):
    """A row of `/luna/engines`."""

    model: str
    device: str = "cpu"
    pid: int | None = None
    state: str = ""
    running: int = 0
    tokens: int = 0
    last_token_age_s: float | None = None
    prefill_allowance_s: float = 0.0


class _Engines(Struct):
    engines: list[_Engine]


def server_url(settings: Settings) -> str:
    """Where the server of these settings is: `watchdog.url`, or its port on this machine."""
    if settings.watchdog.url:
        return settings.watchdog.url
    scheme = "https" if settings.server.tls_certificate else "http"
    return f"{scheme}://127.0.0.1:{settings.server.port}"


class Server:
    """At `url`: http, https, or `unix:/path/of/socket`. Raises ConfigError.

    Each call is a connection of its own, and ends after some seconds.
    """

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            self._host, self._port = parts.hostname or "", parts.port
        except ValueError as error:
            raise ConfigError(f"watchdog.url is '{url}': {error}.") from error
        self._path = parts.path if parts.scheme == "unix" else ""
        if not self._path and (parts.scheme not in ("http", "https") or not self._host):
            raise ConfigError(
                f"watchdog.url is '{url}'; write it like http://127.0.0.1:8080 or unix:/run/x.sock."
            )
        self._tls = parts.scheme == "https"
        self.url = url

    def heartbeats(self) -> tuple[Heartbeat, ...] | None:
        """The loaded models; None if nobody answers, none if it is not known how they are."""
        try:
            status, body = self._ask("GET", "/luna/engines", None, _SECONDS)
        except (OSError, http.client.HTTPException):
            return None
        try:
            engines = msgspec.json.decode(body, type=_Engines).engines if status == 200 else []
        except (msgspec.DecodeError, UnicodeDecodeError):
            engines = []
        return tuple(map(_heartbeat, engines))

    def abort(self, model: str) -> None:
        """End what runs on a model. Raises ServerRefused."""
        self._tell("/luna/engines/abort", model)

    def restart(self, model: str) -> None:
        """Kill the engine's process; the server starts it again. Raises ServerRefused."""
        self._tell("/luna/engines/restart", model)

    def infer(self, model: str) -> bool:
        """Whether a model says a token when it is asked to."""
        body = {
            "model": model,
            "max_tokens": 1,
            "messages": [{"role": "user", "content": "Hello"}],
        }
        try:
            status, _ = self._ask("POST", "/v1/chat/completions", body, _CANARY_SECONDS)
        except (OSError, http.client.HTTPException):
            return False
        return status in (200, 401, 429, 503)  # who refuses or is busy is alive

    def _tell(self, path: str, model: str) -> None:
        try:
            status, _ = self._ask("POST", path, {"model": model}, _SECONDS)
        except (OSError, http.client.HTTPException) as error:
            raise ServerRefused(f"The server does not answer at {self.url} ({error}).") from error
        if status >= 300:
            raise ServerRefused(f"The server answered {path} with status {status}; see its log.")

    def _ask(
        self, method: str, path: str, body: Mapping[str, Any] | None, seconds: float
    ) -> tuple[int, bytes]:
        connection = self._connection(seconds)
        try:
            payload = None if body is None else json.dumps(body)
            headers = {} if body is None else {"Content-Type": "application/json"}
            connection.request(method, path, payload, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def _connection(self, seconds: float) -> http.client.HTTPConnection:
        if self._path:
            return UnixConnection(self._path, seconds)
        if not self._tls:
            return http.client.HTTPConnection(self._host, self._port, timeout=seconds)
        # The certificate names the device, not 127.0.0.1, and nobody is between us and ourselves.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection(self._host, self._port, timeout=seconds, context=context)


def _heartbeat(engine: _Engine) -> Heartbeat:
    return Heartbeat(
        model=engine.model,
        on_npu=engine.device == "npu",
        pid=engine.pid,
        state=engine.state,
        running=engine.running,
        tokens=engine.tokens,
        silent_s=engine.last_token_age_s,
        allowance_s=engine.prefill_allowance_s,
    )

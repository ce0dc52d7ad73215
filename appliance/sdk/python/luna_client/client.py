"""The client: one method for each route of the Browser LLM API."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Self, Unpack, cast
from urllib.parse import quote, urlsplit

from .answers import (
    GenerateOptions,
    GenerateResponse,
    LoadModelResponse,
    LogsResponse,
    ModelDetailsResponse,
    ModelsResponse,
    ProfileResponse,
    StatusResponse,
)
from .errors import TimedOut
from .retry import Retry
from .stream import TokenStream
from .transport import Transport
from .version import VERSION

DEFAULT_URL = "http://localhost:8080/api/v1"
_API = "/api/v1"
_POLL_SECONDS = 1.0


class LunaClient:
    """Asks the Luna at `base_url`, an address with or without the path of the API.

    `timeout` is the longest silence in seconds: a whole answer is silent until its last token, a
    stream only until its first one. `options` go to httpx.Client (`verify` for a certificate of
    the device's own, `transport`, `proxy` …). Every method raises LunaError; a client may be used
    by several threads at once.
    """

    def __init__(
        self,
        base_url: str = DEFAULT_URL,
        *,
        api_key: str | None = None,
        timeout: float = 600.0,
        retry: Retry | None = None,
        sleep: Callable[[float], None] = time.sleep,
        **options: Any,
    ) -> None:
        headers = {"User-Agent": f"luna-client/{VERSION}", "Accept-Encoding": "identity"}
        if api_key:
            headers["Authorization"] = f"Bearer {api_key}"
        self.base_url = _api_url(base_url)
        self._sleep = sleep
        self._transport = Transport(
            self.base_url, headers, timeout, retry or Retry(), sleep, **options
        )

    def generate(
        self,
        prompt: str,
        max_tokens: int = 512,
        temperature: float = 0.7,
        **options: Unpack[GenerateOptions],
    ) -> GenerateResponse:
        """The whole text for a prompt."""
        body = {"prompt": prompt, "max_tokens": max_tokens, "temperature": temperature, **options}
        return cast(GenerateResponse, self._transport.ask("POST", "/generate", body))

    def generate_stream(
        self,
        prompt: str,
        max_tokens: int = 512,
        temperature: float = 0.7,
        **options: Unpack[GenerateOptions],
    ) -> TokenStream:
        """The text for a prompt, piece by piece."""
        body = {"prompt": prompt, "max_tokens": max_tokens, "temperature": temperature, **options}
        return TokenStream(partial(self._transport.stream, "/generate", body | {"stream": True}))

    def get_models(self) -> ModelsResponse:
        """All models."""
        return cast(ModelsResponse, self._transport.ask("GET", "/models"))

    def get_model(self, model_id: str) -> ModelDetailsResponse:
        """One model, with its measured averages."""
        return cast(ModelDetailsResponse, self._transport.ask("GET", _model(model_id)))

    def load_model(
        self, model_id: str, *, wait: bool = True, timeout: float = 300.0
    ) -> LoadModelResponse:
        """Have a model loaded; with `wait` returns when it is, or raises TimedOut."""
        waited = 0.0
        while True:
            found = self._transport.ask("POST", f"{_model(model_id)}/load")
            if not wait or found["status"] != "loading":
                return cast(LoadModelResponse, found)
            if waited >= timeout:
                raise TimedOut(f"The model {model_id} is still being loaded; wait for longer.")
            self._sleep(_POLL_SECONDS)
            waited += _POLL_SECONDS

    def get_status(self) -> StatusResponse:
        """State and health of the device."""
        return cast(StatusResponse, self._transport.ask("GET", "/status"))

    def get_logs(
        self, *, level: str | None = None, since: float | None = None, limit: int | None = None
    ) -> LogsResponse:
        """Lines of the device's log."""
        query = _query(level=level, since=since, limit=limit)
        return cast(LogsResponse, self._transport.ask("GET", "/debug/logs", query=query))

    def get_profile(
        self, *, since: float | None = None, metric: str | None = None
    ) -> ProfileResponse:
        """Measured series of the device."""
        query = _query(since=since, metric=metric)
        return cast(ProfileResponse, self._transport.ask("GET", "/debug/profile", query=query))

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self.close()


def _api_url(address: str) -> str:
    """Where the API begins; raises ValueError for what is no address of a server."""
    problem = f"'{address}' is no server's address; write it like {DEFAULT_URL}."
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError as error:
        raise ValueError(problem) from error
    if not good or any(letter.isspace() for letter in address):
        raise ValueError(problem)
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/') or _API}"


def _model(model_id: str) -> str:
    return f"/models/{quote(model_id, safe='')}"


def _query(**fields: str | int | float | None) -> dict[str, str | int | float]:
    return {name: value for name, value in fields.items() if value is not None}

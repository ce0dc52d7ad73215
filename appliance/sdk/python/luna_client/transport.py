"""Requests and answers over HTTP: the only module that knows httpx."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from .errors import ApiError, BadAnswer, ConnectionLost, RateLimited, TimedOut, Unreachable
from .retry import Retry

_CONNECT_SECONDS = 10.0
_TOO_MUCH_TO_DO = (429, 503)


class Transport:
    """Asks one Luna; every failure is an error of this package.

    `url` is where the API begins; `timeout` is the longest silence in seconds.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        timeout: float,
        retry: Retry,
        sleep: Callable[[float], None] = time.sleep,
        **options: Any,
    ) -> None:
        self.url = url
        self._retry = retry
        self._sleep = sleep
        self._http = httpx.Client(
            headers=dict(headers),
            timeout=httpx.Timeout(timeout, connect=min(timeout, _CONNECT_SECONDS)),
            **options,
        )

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str | int | float] | None = None,
    ) -> Any:
        """The `data` of the answer's envelope."""
        request = self._http.build_request(method, self.url + path, json=body, params=query or None)
        with self._answered(request) as response:
            response.read()
            return self._data(response)

    @contextmanager
    def stream(self, path: str, body: Mapping[str, Any]) -> Iterator[Iterator[bytes]]:
        """The pieces of a streamed answer as they come; leaving the block ends it."""
        request = self._http.build_request("POST", self.url + path, json=body)
        with self._answered(request) as response:
            if not response.headers.get("content-type", "").startswith("text/event-stream"):
                raise self._foreign(response)
            yield response.iter_bytes()

    @contextmanager
    def _answered(self, request: httpx.Request) -> Iterator[httpx.Response]:
        """A good answer, after as many attempts as it takes and is allowed."""
        with self._translated():
            response = self._persist(request)
            try:
                yield response
            finally:
                response.close()

    def _persist(self, request: httpx.Request) -> httpx.Response:
        attempt, waited = 0, 0.0
        while True:
            response = self._http.send(request, stream=True)
            if response.is_success:
                return response
            try:
                response.read()
                error = self._error(response)
            finally:
                response.close()
            told = _seconds(response.headers.get("retry-after", ""))
            pause = self._retry.pause(attempt, told, waited) if _may_pass(error, told) else None
            if pause is None:
                raise error
            self._sleep(pause)
            attempt, waited = attempt + 1, waited + pause

    def _data(self, response: httpx.Response) -> Any:
        envelope = _object(response.content)
        if envelope.get("success") is True and "data" in envelope:
            return envelope["data"]
        raise self._error(response)

    def _error(self, response: httpx.Response) -> ApiError | BadAnswer:
        said = _object(response.content).get("error")
        if not isinstance(said, Mapping) or not isinstance(said.get("message"), str):
            return self._foreign(response)
        kind = RateLimited if response.status_code == 429 else ApiError
        error = kind(
            said["message"],
            code=str(said.get("code") or "INTERNAL_ERROR"),
            status=response.status_code,
            request_id=response.headers.get("x-request-id", ""),
            details=said.get("details"),
        )
        if isinstance(error, RateLimited):
            error.retry_after = _seconds(response.headers.get("retry-after", ""))
        return error

    def _foreign(self, response: httpx.Response) -> BadAnswer:
        return BadAnswer(
            f"What answers at {self.url} is no Luna (status {response.status_code}); check the "
            "address.",
            status=response.status_code,
            request_id=response.headers.get("x-request-id", ""),
        )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Unreachable(
                f"No Luna answers at {self.url} ({error}). Check the address, and whether the "
                "device is switched on."
            ) from error
        except httpx.TimeoutException as error:
            raise TimedOut(
                f"{self.url} was silent for too long; ask again later, or with a larger timeout."
            ) from error
        except httpx.RequestError as error:
            raise ConnectionLost(
                f"The connection to {self.url} broke off before the answer was whole; ask again."
            ) from error


def _may_pass(error: ApiError | BadAnswer, told: float | None) -> bool:
    """Whether it is worth to ask again: the Luna says so."""
    limited = error.status == 429 or error.code == "RATE_LIMIT"
    return limited or (error.status in _TOO_MUCH_TO_DO and told is not None)


def _seconds(retry_after: str) -> float | None:
    """A header Retry-After in seconds; a Luna never writes a date there."""
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() else None


def _object(content: bytes) -> Mapping[str, Any]:
    """The JSON object of an answer, empty if there is none."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}

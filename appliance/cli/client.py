"""A small client for any server that speaks OpenAI's API; `luna chat` and `luna bench` use it."""

from __future__ import annotations

import http.client
import json
import re
import ssl
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
from msgspec import Struct

from appliance.domain.sse import Decoder
from appliance.errors import LunaError
from appliance.system.unix_http import UnixConnection

DEFAULT_URL = "http://localhost:8080"
_READ_BYTES = 65536
_SCHEME = re.compile(r"(https?|unix):", re.IGNORECASE)
_NO_URL = f"'{{}}' is not a server's URL; write it like {DEFAULT_URL}."
_FOREIGN = (
    "What answers at {} is not a Luna or another OpenAI-compatible server; check the address."
)
_PROBLEMS = {
    401: "it wants an API key: name its file with --api-key-file, or set LUNA_API_KEY",
    403: "it does not allow that from here",
    404: "it does not know that path; is it an OpenAI-compatible server?",
}


class ServerUnreachable(LunaError):
    """Nothing that can be talked to answers at the address; the message says how to go on."""

    code = "server_unreachable"


class ServerFailed(LunaError):
    """The server answered with an error, or broke off in the middle of an answer."""

    code = "server_failed"


class Delta(Struct, frozen=True):
    """What a chunk adds to the answer."""

    content: str | None = None
    reasoning_content: str | None = None


class Choice(Struct, frozen=True):
    """One of the answers; `finish_reason` stands in its last chunk."""

    delta: Delta = Delta()
    finish_reason: str | None = None


class Usage(Struct, frozen=True):
    """Tokens of the prompt and of the answer."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


class Chunk(Struct, frozen=True):
    """One event of a streamed chat answer."""

    choices: tuple[Choice, ...] = ()
    usage: Usage | None = None
    error: Any = None

    @property
    def delta(self) -> Delta:
        """What the first choice gets."""
        return self.choices[0].delta if self.choices else Delta()

    @property
    def finish_reason(self) -> str | None:
        """Why the first choice has ended, if it has."""
        return self.choices[0].finish_reason if self.choices else None


class Client:
    """Asks the server at `url`: http, https, or `unix:/path/of/socket`; one connection a request.

    A path of the URL is put before every request's, a final `/v1` is not needed. `timeout` is the
    longest silence in seconds. Every method raises ServerUnreachable or ServerFailed.
    """

    def __init__(self, url: str = DEFAULT_URL, api_key: str = "", timeout: float = 600.0) -> None:
        try:
            parts = urlsplit(url if _SCHEME.match(url) else f"http://{url}")
            self._port = parts.port
        except ValueError as error:
            raise ServerUnreachable(_NO_URL.format(url)) from error
        if not (parts.path if parts.scheme == "unix" else parts.hostname):
            raise ServerUnreachable(_NO_URL.format(url))
        self.url = url
        self._parts = parts
        self._prefix = "" if parts.scheme == "unix" else parts.path.rstrip("/").removesuffix("/v1")
        self._timeout = timeout
        self._headers = {"Content-Type": "application/json"}
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._decode = msgspec.json.Decoder(Chunk).decode

    def get(self, path: str) -> Any:
        """The JSON answer to a GET."""
        return self._whole("GET", path, None)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON answer to a POST."""
        return self._whole("POST", path, body)

    def lines(self, path: str, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The objects of an answer to a POST that is JSON in lines, Ollama's way of streaming."""
        with self._asked("POST", path, body) as response:
            for line in response:
                yield self._object(line)

    def chat(self, body: Mapping[str, Any]) -> Generator[Chunk, None, None]:
        """Chunks of a streamed chat answer; closing the generator makes the server stop."""
        body = {**body, "stream": True}
        with self._asked("POST", "/v1/chat/completions", body) as response:
            decoder = Decoder()
            while data := response.read1(_READ_BYTES):
                for event in decoder.feed(data):
                    if event == b"[DONE]":
                        return
                    yield self._chunk(event)
            raise http.client.IncompleteRead(b"")

    def _whole(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        with self._asked(method, path, body) as response:
            try:
                return json.loads(response.read())
            except ValueError as error:
                raise ServerFailed(_FOREIGN.format(self.url)) from error

    @contextmanager
    def _asked(
        self, method: str, path: str, body: Mapping[str, Any] | None
    ) -> Iterator[http.client.HTTPResponse]:
        """A response with a good status; whatever goes wrong until it was read is translated."""
        payload = None if body is None else json.dumps(body).encode()
        connection = self._connection()
        try:
            try:
                connection.connect()
            except (OSError, UnicodeError) as error:
                raise self._unreachable(error) from error
            connection.request(method, self._prefix + path, payload, self._headers)
            response = connection.getresponse()
            if response.status >= 300:
                raise ServerFailed(_complaint(response.status, response.read()))
            yield response
        except TimeoutError as error:
            raise ServerFailed(
                f"{self.url} was silent for {self._timeout:.0f} s; ask again later."
            ) from error
        except (OSError, http.client.IncompleteRead) as error:
            raise ServerFailed(
                f"{self.url} broke off before the answer was whole; ask again."
            ) from error
        except http.client.HTTPException as error:
            raise ServerFailed(_FOREIGN.format(self.url)) from error
        finally:
            connection.close()

    def _object(self, line: bytes) -> dict[str, Any]:
        try:
            found = json.loads(line)
        except ValueError as error:
            raise ServerFailed(_FOREIGN.format(self.url)) from error
        if not isinstance(found, dict):
            raise ServerFailed(_FOREIGN.format(self.url))
        if "error" in found:
            raise ServerFailed(_message(found["error"]) or "The server failed on the way.")
        return found

    def _chunk(self, event: bytes) -> Chunk:
        try:
            chunk = self._decode(event)
        except msgspec.DecodeError as error:
            raise ServerFailed(
                f"{self.url} sent what no OpenAI-compatible server sends ({error})."
            ) from error
        if chunk.error is not None:
            raise ServerFailed(_message(chunk.error) or "The server failed during the answer.")
        return chunk

    def _connection(self) -> http.client.HTTPConnection:
        host = self._parts.hostname or "localhost"
        if self._parts.scheme == "unix":
            return UnixConnection(unquote(self._parts.path), self._timeout)
        if self._parts.scheme == "https":
            return http.client.HTTPSConnection(host, self._port, timeout=self._timeout)
        return http.client.HTTPConnection(host, self._port, timeout=self._timeout)

    def _unreachable(self, error: Exception) -> ServerUnreachable:
        if isinstance(error, ssl.SSLError):
            return ServerUnreachable(
                f"No safe connection to {self.url}: {error.reason or error}. Set SSL_CERT_FILE to "
                "the server's certificate, or use its http address."
            )
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return ServerUnreachable(
            f"No server answers at {self.url} ({reason}). Start one with `luna serve`, or name "
            "another with --url or LUNA_URL."
        )


def _complaint(status: int, body: bytes) -> str:
    try:
        said = _message(json.loads(body).get("error"))
    except (ValueError, AttributeError):
        said = ""
    return (
        said or f"The server answered with status {status}; {_PROBLEMS.get(status, 'see its log')}."
    )


def _message(error: Any) -> str:
    """The sentence in an error of OpenAI's shape, or of a simpler one; "" if there is none."""
    if isinstance(error, Mapping):
        error = error.get("message")
    return error if isinstance(error, str) else ""

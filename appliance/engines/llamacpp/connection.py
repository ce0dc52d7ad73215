"""HTTP over a Unix socket to one llama.cpp server: the only place that knows its transport."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from appliance.domain.cancel import CancelToken
from appliance.domain.sse import Decoder
from appliance.engines.llamacpp.errors import translate
from appliance.errors import EngineDied, EngineTimeout
from appliance.system.unix_http import UnixConnection

_READ_BYTES = 65536


class Connection:
    """Asks the server at `path`; `death` makes the error for a server that went away."""

    def __init__(self, path: Path, death: Callable[[], EngineDied]) -> None:
        self._path = str(path)
        self._death = death

    def healthy(self) -> bool:
        """Whether the server answers and its model is loaded."""
        connection = UnixConnection(self._path, timeout=2.0)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def get(self, route: str) -> Any:
        """The JSON answer to a quick question."""
        with self._asked("GET", route, None, CancelToken(), 10.0) as (response, _):
            return json.loads(response.read())

    def post(self, route: str, body: Mapping[str, Any], cancel: CancelToken, limit: float) -> Any:
        """The JSON answer to `body`, at most `limit` seconds later."""
        with self._asked("POST", route, body, cancel, limit) as (response, _):
            return json.loads(response.read())

    def stream(
        self,
        route: str,
        body: Mapping[str, Any],
        cancel: CancelToken,
        first: float,
        stall: float,
    ) -> Iterator[bytes]:
        """The data of each event that answers `body`.

        `first` and `stall` are the longest silences, in seconds, before the first event and
        between two; comments that the server sends to keep the line alive do not count.
        """
        with self._asked("POST", route, body, cancel, first) as (response, sock):
            decoder = Decoder()
            deadline = time.monotonic() + first
            while True:
                sock.settimeout(max(0.001, deadline - time.monotonic()))
                chunk = response.read1(_READ_BYTES)
                if not chunk:
                    return
                events = decoder.feed(chunk)
                if events:
                    deadline = time.monotonic() + stall
                    yield from events
                elif time.monotonic() > deadline:
                    raise TimeoutError

    @contextmanager
    def _asked(
        self,
        method: str,
        route: str,
        body: Mapping[str, Any] | None,
        cancel: CancelToken,
        limit: float,
    ) -> Iterator[tuple[http.client.HTTPResponse, socket.socket]]:
        """Send a request and translate whatever goes wrong until the answer was read."""
        connection = UnixConnection(self._path, timeout=limit)
        payload = None if body is None else json.dumps(body)
        try:
            connection.connect()
            sock = connection.sock
            with cancel.calling(lambda: _hang_up(sock)):
                connection.request(method, route, payload, {"Content-Type": "application/json"})
                response = connection.getresponse()
                if response.status != 200:
                    raise translate(response.status, response.read())
                yield response, sock
        except TimeoutError as error:
            cancel.check()
            raise EngineTimeout(
                "The engine gave no sign of life for too long; send a shorter prompt, or raise "
                "queue.stall_seconds on a slow device."
            ) from error
        except (OSError, http.client.HTTPException) as error:
            cancel.check()
            raise self._death() from error
        finally:
            connection.close()


def _hang_up(sock: socket.socket) -> None:
    """Wake a thread that reads from `sock`; the server sees a closed connection."""
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it was closed already

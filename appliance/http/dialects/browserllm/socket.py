"""Browser LLM's WebSocket: several generations at once, and news of figures and of the log."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from appliance.errors import LunaError
from appliance.http.access import Judge
from appliance.http.bodies import decode, unknown_fields
from appliance.http.dialects.browserllm.errors import BROWSER_LLM
from appliance.http.dialects.browserllm.generating import Generating
from appliance.http.dialects.browserllm.requests import BrowserLlmGenerateBody
from appliance.http.dialects.browserllm.socket_events import Subscriptions
from appliance.http.dialects.browserllm.socket_generations import Generations
from appliance.http.dialects.browserllm.socket_messages import (
    BrowserLlmEvents,
    BrowserLlmSocketMessage,
    Event,
    error_message,
    identity,
)
from appliance.http.exchange import Reply, Request
from appliance.http.routes import Operation, Route
from appliance.http.websocket.handler import Socket
from appliance.http.websocket.handshake import upgrade
from appliance.observe.logbook import Logbook
from appliance.observe.profile import Profile

PATH = "/api/v1/ws"
GENERATE = "/api/v1/generate"
NEWS: Mapping[Event, str] = {"log": "/api/v1/debug/logs", "metric": "/api/v1/debug/profile"}
_THREADS = 64  # generations of all sockets at one time


class BrowserLlmSocket:
    """Opens sockets; each message is judged as a request to the route that does the same."""

    def __init__(
        self, generating: Generating, logbook: Logbook, profile: Profile, judge: Judge
    ) -> None:
        self._generating = generating
        self._logbook = logbook
        self._profile = profile
        self._judge = judge
        self._threads = threading.Semaphore(_THREADS)

    def open(self, request: Request) -> Reply:
        """GET with an upgrade."""

        def generations(socket: Socket) -> Generations:
            return Generations(request, socket, self._generating, self._threads)

        def subscriptions(socket: Socket) -> Subscriptions:
            return Subscriptions(socket, self._logbook, self._profile)

        client = _Client(generations, subscriptions, lambda path: self._judge(path, request))
        return upgrade(request, client)


class _Client:
    """One client."""

    _socket: Socket
    _generations: Generations
    _subscriptions: Subscriptions

    def __init__(
        self,
        generations: Callable[[Socket], Generations],
        subscriptions: Callable[[Socket], Subscriptions],
        judge: Callable[[str], object],
    ) -> None:
        self._make_generations = generations
        self._make_subscriptions = subscriptions
        self._judge = judge

    def on_open(self, socket: Socket) -> None:
        """Wait for what is wanted."""
        self._socket = socket
        self._generations = self._make_generations(socket)
        self._subscriptions = self._make_subscriptions(socket)

    def on_text(self, text: str) -> None:
        """Do it, or say why not."""
        try:
            self._hear(decode(text.encode(), BrowserLlmSocketMessage))
        except LunaError as error:
            self._socket.send(error_message(identity(text), error))

    def on_close(self) -> None:
        """Stop everything."""
        self._subscriptions.end()
        self._generations.abort_all()

    def _hear(self, said: BrowserLlmSocketMessage) -> None:
        payload = bytes(said.payload)
        match said.type:
            case "generate":
                body = decode(payload, BrowserLlmGenerateBody)
                self._judge(GENERATE)
                unknown = unknown_fields(payload, BrowserLlmGenerateBody)
                self._generations.begin(said.id, body, unknown)
            case "abort":
                self._generations.abort(said.id)
            case "subscribe":
                events = decode(payload, BrowserLlmEvents).events
                for event in set(events):
                    self._judge(NEWS[event])
                self._subscriptions.subscribe(said.id, events)
            case "unsubscribe":
                events = decode(payload, BrowserLlmEvents).events
                self._subscriptions.unsubscribe(said.id, events)


def routes(socket: BrowserLlmSocket) -> tuple[Route, ...]:
    """The table."""
    operation = Operation(
        "Generations, figures and the log, by WebSocket",
        "Browser LLM",
        description=_DESCRIPTION,
        socket=True,
    )
    return (Route("GET", PATH, socket.open, operation, BROWSER_LLM),)


_DESCRIPTION = """\
A WebSocket of text messages in JSON. Clients send `{"type", "id", "payload"}`: `generate` with \
the body of POST /api/v1/generate, `abort` with the id of a generation, `subscribe` and \
`unsubscribe` with `{"events": ["metric", "log"]}`. They get `{"type", "id", "data"}` with the id \
of what they sent: `token` with `{"token"}`, `done` with the whole answer, which also stands in \
its `completion` (and in `ignored`, which fields had no effect), `error` with \
`{"error", "code"}`, and `metric` and `log` as they come.

Up to 16 generations of a socket run or wait at one time; each ends with one `done` or `error`, \
an aborted one with an `error`. Each is judged and counted as a request to /api/v1/generate.
"""

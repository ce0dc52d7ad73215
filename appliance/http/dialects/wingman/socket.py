"""Wingman's WebSocket: the state of the device goes out, a few words of clients come in."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import msgspec

from appliance.errors import BadRequest, LunaError
from appliance.http.access import Judge
from appliance.http.dialects.wingman.news import News
from appliance.http.dialects.wingman.relay import Relay
from appliance.http.exchange import Reply, Request
from appliance.http.routes import Operation, Route
from appliance.http.websocket.handler import Socket
from appliance.http.websocket.handshake import upgrade

PATH = "/ws"
SHUTDOWN = "/api/shutdown"
# What the server itself says; nobody else may.
OURS = frozenset(
    "DownloadService WingmanService DownloadItems WingmanItems currentWingmanInferenceItem metrics "
    "meta system tensors timings status download_status inference_status error".split()
)

_log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class WingmanSocket:
    """Opens sockets; `shutdown` is judged as a request to the route that does the same."""

    def __init__(
        self, news: News, relay: Relay, judge: Judge, shutdown: Callable[[], object]
    ) -> None:
        self._news = news
        self._relay = relay
        self._judge = judge
        self._shutdown = shutdown

    def open(self, request: Request) -> Reply:
        """GET with an upgrade."""

        def shutdown() -> None:
            self._judge(SHUTDOWN, request)
            client = request.caller.client or "a local program"
            _log.warning("%s shuts the server down, by WebSocket", client)
            self._shutdown()

        address = request.caller.client
        return upgrade(request, _Client(address, self._news, self._relay, shutdown))


class _Client:
    """One client; `shutdown` raises a LunaError if the client may not do that."""

    _socket: Socket

    def __init__(
        self, address: str, news: News, relay: Relay, shutdown: Callable[[], None]
    ) -> None:
        self._address = address
        self._news = news
        self._relay = relay
        self._shutdown = shutdown

    def on_open(self, socket: Socket) -> None:
        """Tell everything."""
        self._socket = socket
        self._news.join(socket)

    def on_text(self, text: str) -> None:
        """Do what is said, or say why not."""
        try:
            self._hear(text)
        except LunaError as error:
            said = {"error": {"code": error.code, "message": error.message}}
            self._socket.send(_encode(said).decode())

    def on_close(self) -> None:
        """Forget the client."""
        self._news.leave(self._socket)
        self._relay.leave(self._socket)

    def _hear(self, text: str) -> None:
        if text.strip() == "shutdown":
            self._shutdown()
            return
        message = _message(text)
        match message:
            case {"subscribe": types}:
                self._relay.subscribe(self._socket, _types(types))
            case {"unsubscribe": types}:
                self._relay.unsubscribe(self._socket, _types(types))
            case _:
                self._relay.publish(self._socket, self._address, _type(message), text)


def _message(text: str) -> dict[str, Any]:
    try:
        message = _decode(text)
    except (msgspec.DecodeError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise BadRequest("Send `shutdown`, or a JSON object.")
    return message


def _type(message: dict[str, Any]) -> str:
    """What the message is: its `type`, or its only key, as in the frames that the server sends."""
    kind = message.get("type") or (next(iter(message)) if len(message) == 1 else None)
    if not isinstance(kind, str):
        raise BadRequest('Name the type of your message: {"YourType": …} or {"type": "YourType"}.')
    if kind in OURS:
        raise BadRequest(f"Only the server says {kind}; choose another name.")
    return kind


def _types(value: object) -> list[str]:
    names = value if isinstance(value, list) else [value]
    texts = [name for name in names if isinstance(name, str)]
    if len(texts) < len(names):
        raise BadRequest('Name the types as texts: {"subscribe": ["YourType"]}.')
    return texts


def routes(socket: WingmanSocket) -> tuple[Route, ...]:
    """The table; Wingman's own clients ask for other paths (`paths`)."""
    operation = Operation(
        "News of the device, and messages between applications, by WebSocket",
        "Wingman",
        description=_DESCRIPTION,
        socket=True,
    )
    return (Route("GET", PATH, socket.open, operation),)


_DESCRIPTION = """\
A WebSocket of text messages in JSON. The first key of a message is its type. All of the state \
comes first, then what changes, each at most once a second: `DownloadService`, `WingmanService`, \
`DownloadItems`, `WingmanItems`, `currentWingmanInferenceItem` (empty without one), `metrics` \
(which has its parts `alias`, `meta`, `system`, `tensors` and `timings` beside it too), `status`, \
and for single items `download_status` and `inference_status`.

Clients may send `shutdown` (administrators) and messages of their own types, as \
`{"YourType": …}` or `{"type": "YourType", …}`. Others who have sent `{"subscribe": "YourType"}` \
get them as they are; `{"unsubscribe": "YourType"}` ends that. What cannot be done is answered \
with `{"error": {"code", "message"}}`.
"""

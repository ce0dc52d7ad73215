"""The opening handshake of a WebSocket, after HTTP's own checks (RFC 6455 4.2)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from websockets.utils import accept_key

from appliance.errors import BadRequest, UpgradeRequired
from appliance.http.exchange import Reply, Request
from appliance.http.websocket.handler import Handler

PROTOCOL = "luna"
"""The subprotocol that is agreed on with clients that offer it; others need none."""


def is_upgrade(request: Request) -> bool:
    """Whether the client wants a WebSocket, be it in a wrong way."""
    return "websocket" in _words(request.headers, "upgrade")


def upgrade(request: Request, handler: Handler) -> Reply:
    """The answer that makes the connection a WebSocket, which `handler` serves from then on.

    Raises UpgradeRequired for what is no WebSocket of version 13, BadRequest for a handshake
    that is not right.
    """
    headers = request.headers
    if request.method != "GET" or not is_upgrade(request):
        raise UpgradeRequired("This is a WebSocket; connect to it with a ws:// address.")
    if "upgrade" not in _words(headers, "connection"):
        raise BadRequest("A WebSocket's handshake says `Connection: Upgrade`.")
    if headers.get("sec-websocket-version") != "13":
        raise UpgradeRequired("The WebSocket version served is 13 (RFC 6455).")
    key = headers.get("sec-websocket-key", "")
    if not _is_key(key):
        raise BadRequest("Sec-WebSocket-Key must be 16 bytes in base64.")
    answer = [("Upgrade", "websocket"), ("Connection", "Upgrade")]
    answer.append(("Sec-WebSocket-Accept", accept_key(key)))
    if PROTOCOL in _words(headers, "sec-websocket-protocol"):
        answer.append(("Sec-WebSocket-Protocol", PROTOCOL))
    return Reply(b"", 101, headers=tuple(answer), upgrade=handler)


def _words(headers: Mapping[str, str], name: str) -> set[str]:
    return {word.strip().lower() for word in headers.get(name, "").split(",")}


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key.encode("latin-1"), validate=True)) == 16
    except binascii.Error:
        return False

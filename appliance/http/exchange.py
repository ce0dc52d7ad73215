"""A request and its reply, as handlers see them: no framework reaches below `app`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from appliance.domain.keys import NOBODY, Scope
from appliance.http.websocket.handler import Handler
from appliance.serving.answer import Caller


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names are lower-case, `parameters` are the named parts of the path.

    `address` is the one of this device that was asked, "" on a Unix socket; `dialect` is what its
    listener is for, if not for all. `scopes` are what the caller may do, by a key or by its place.
    """

    method: str
    path: str
    caller: Caller
    parameters: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    address: str = ""
    dialect: str = ""
    scopes: frozenset[Scope] = NOBODY


class Stream(Protocol):
    """The pieces of a streamed body; `close` is called exactly when nobody reads any more."""

    def __iter__(self) -> Iterator[bytes]: ...

    def close(self) -> None:
        """Free what the stream holds."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole body, or a stream of pieces which are sent one by one.

    With status 101 the connection becomes a WebSocket, which `upgrade` serves.
    """

    body: bytes | Stream
    status: int = 200
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    upgrade: Handler | None = None


def json_reply(value: Any, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """A value that msgspec can encode, as JSON."""
    return Reply(msgspec.json.encode(value), status, headers=headers)

"""What a client of Wingman's socket can say, in the handler's own terms."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from appliance.domain.cancel import CancelToken
from appliance.errors import Forbidden
from appliance.http.dialects.wingman.news import News
from appliance.http.dialects.wingman.relay import Relay
from appliance.http.dialects.wingman.socket import WingmanSocket
from appliance.http.exchange import Request
from appliance.http.websocket.handler import Handler
from appliance.serving.answer import Caller
from tests.helpers.sockets import HANDSHAKE, Kept
from tests.helpers.wire import eventually


class Room:
    """Clients that talk to one socket; `shutdowns` counts how often the server was to end."""

    def __init__(self) -> None:
        self.shutdowns = 0
        self.news = News([self._state])
        self._socket = WingmanSocket(self.news, Relay(), self._judge, self._shutdown)

    def _state(self) -> Mapping[str, Any]:
        return {"status": {"status": "ready"}}

    def _judge(self, path: str, request: Request) -> None:
        assert path == "/api/shutdown"
        if request.caller.client != "127.0.0.1":
            raise Forbidden("Not you.")

    def _shutdown(self) -> None:
        self.shutdowns += 1

    def enter(self, address: str = "127.0.0.1") -> tuple[Handler, Kept]:
        fields = dict(line.lower().split(": ", 1) for line in HANDSHAKE)
        fields["sec-websocket-key"] = HANDSHAKE[-1].partition(": ")[2]
        request = Request("GET", "/ws", Caller(address, "", CancelToken()), headers=fields)
        handler = self._socket.open(request).upgrade
        assert handler is not None
        socket = Kept()
        handler.on_open(socket)
        eventually(lambda: socket.texts == ['{"status":"ready"}'])
        socket.texts.clear()
        return handler, socket


@pytest.fixture
def room() -> Iterator[Room]:
    room = Room()
    yield room
    room.news.stop()


@pytest.mark.parametrize("text", ["shutdown", " shutdown\n"])
def test_shutdown_is_for_those_who_may(room: Room, text: str) -> None:
    stranger, said = room.enter("192.168.1.9")
    stranger.on_text(text)
    assert json.loads(said.texts[0]) == {"error": {"code": "forbidden", "message": "Not you."}}
    assert room.shutdowns == 0
    owner, said = room.enter()
    owner.on_text(text)
    assert room.shutdowns == 1
    assert said.texts == []


@pytest.mark.parametrize(
    "text", ['{"Note": {"text": "hi"}}', '{"type": "Note", "text": "hi", "more": [1, 2.50]}']
)
def test_an_applications_message_goes_to_the_others_as_it_is(room: Room, text: str) -> None:
    sender, own = room.enter()
    friend, got = room.enter()
    listener, gone = room.enter()
    friend.on_text('{"subscribe": "Note"}')
    listener.on_text('{"subscribe": ["Note", "Other"]}')
    listener.on_close()
    sender.on_text(text)
    friend.on_text('{"unsubscribe": ["Note"]}')
    sender.on_text(text)
    assert got.texts == [text]
    assert own.texts == gone.texts == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[1]",
        "3",
        "{}",
        '"shutdown"',
        '{"a": 1, "b": 2}',
        '{"type": 3, "b": 2}',
        '{"subscribe": 3}',
        '{"subscribe": ["a", 3]}',
        '{"subscribe": [""]}',
        '{"unsubscribe": {"a": 1}}',
        '{"DownloadItems": []}',
        '{"type": "metrics", "alias": "x"}',
        '{"x": ' + "[" * 100_000,
    ],
)
def test_what_makes_no_sense_is_answered_with_the_remedy(room: Room, text: str) -> None:
    client, said = room.enter()
    client.on_text(text)
    (answer,) = said.texts
    error = json.loads(answer)["error"]
    assert error["code"] == "invalid_value"
    assert error["message"].endswith(".")
    client.on_text('{"subscribe": "Note"}')
    assert said.texts == [answer]

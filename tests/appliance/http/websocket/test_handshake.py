"""The opening handshake: what is agreed to, and what is refused with a remedy."""

from __future__ import annotations

import pytest

from appliance.domain.cancel import CancelToken
from appliance.errors import BadRequest, UpgradeRequired
from appliance.http.exchange import Request
from appliance.http.websocket.handshake import is_upgrade, upgrade
from appliance.serving.answer import Caller
from tests.helpers.sockets import ACCEPT, KEY, Echo

RIGHT = {
    "upgrade": "websocket",
    "connection": "keep-alive, Upgrade",
    "sec-websocket-version": "13",
    "sec-websocket-key": KEY,
}


def asked(method: str = "GET", **fields: str) -> Request:
    headers = RIGHT | {name.replace("_", "-"): value for name, value in fields.items()}
    caller = Caller("", "", CancelToken())
    return Request(method, "/ws", caller, headers={k: v for k, v in headers.items() if v})


def test_what_is_agreed_to() -> None:
    handler = Echo()
    reply = upgrade(asked(), handler)
    assert reply.status == 101
    assert reply.upgrade is handler
    assert dict(reply.headers) == {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": ACCEPT,
    }


def test_no_extension_is_agreed_to() -> None:
    reply = upgrade(asked(sec_websocket_extensions="permessage-deflate"), Echo())
    assert "Sec-WebSocket-Extensions" not in dict(reply.headers)


def test_our_subprotocol_is_agreed_to_where_it_is_offered() -> None:
    reply = upgrade(asked(sec_websocket_protocol="chat, luna"), Echo())
    assert dict(reply.headers)["Sec-WebSocket-Protocol"] == "luna"
    reply = upgrade(asked(sec_websocket_protocol="chat"), Echo())
    assert "Sec-WebSocket-Protocol" not in dict(reply.headers)


@pytest.mark.parametrize(
    "fields",
    [
        {"method": "POST"},
        {"upgrade": ""},
        {"upgrade": "h2c"},
        {"sec_websocket_version": ""},
        {"sec_websocket_version": "8"},
        {"sec_websocket_version": "13, 8"},
    ],
)
def test_another_protocol_is_told_which_one_is_served(fields: dict[str, str]) -> None:
    with pytest.raises(UpgradeRequired):
        upgrade(asked(**fields), Echo())


@pytest.mark.parametrize(
    "fields",
    [
        {"connection": "keep-alive"},
        {"sec_websocket_key": ""},
        {"sec_websocket_key": "c2hvcnQ="},
        {"sec_websocket_key": f"{KEY}, {KEY}"},
        {"sec_websocket_key": "****************"},
        {"sec_websocket_key": "dGhlIHNhbXBsZSBub25jZQ"},
        {"sec_websocket_key": "ü" * 24},
    ],
)
def test_a_handshake_that_is_not_right(fields: dict[str, str]) -> None:
    with pytest.raises(BadRequest) as caught:
        upgrade(asked(**fields), Echo())
    assert not isinstance(caught.value, UpgradeRequired)


def test_the_wish_is_recognised_in_any_case() -> None:
    assert is_upgrade(asked(upgrade="h2c, WebSocket"))
    assert not is_upgrade(asked(upgrade=""))

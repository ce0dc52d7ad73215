from __future__ import annotations

from typing import Any

import pytest

from appliance.http.websocket.doorway import Doorway
from tests.appliance.http.wsgi import call, environ


def passed(**more: Any) -> dict[str, Any]:
    """The environ that reaches the application."""
    seen: dict[str, Any] = {}

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.update(environ)
        start_response("200 OK", [])
        return []

    call(Doorway(app, lambda environ: f"/to{environ['PATH_INFO']}"), environ(path="/x", **more))
    return seen


@pytest.mark.parametrize("upgrade", ["websocket", " WebSocket "])
def test_a_handshake_goes_to_its_socket(upgrade: str) -> None:
    assert passed(HTTP_UPGRADE=upgrade)["PATH_INFO"] == "/to/x"


@pytest.mark.parametrize("more", [{}, {"HTTP_UPGRADE": "h2c"}])
def test_everything_else_goes_where_it_wants(more: dict[str, str]) -> None:
    offered = {"HTTP_SEC_WEBSOCKET_PROTOCOL": "luna-key.secret"}
    seen = passed(**more, **offered)
    assert seen["PATH_INFO"] == "/x"
    assert "HTTP_AUTHORIZATION" not in seen


def test_a_key_among_the_subprotocols_is_the_bearers() -> None:
    offered = {"HTTP_SEC_WEBSOCKET_PROTOCOL": "luna, luna-key.sk-1.2, chat"}
    seen = passed(HTTP_UPGRADE="websocket", **offered)
    assert seen["HTTP_AUTHORIZATION"] == "Bearer sk-1.2"
    assert seen["HTTP_SEC_WEBSOCKET_PROTOCOL"] == "luna, chat"
    seen = passed(HTTP_UPGRADE="websocket", HTTP_AUTHORIZATION="Bearer other", **offered)
    assert seen["HTTP_AUTHORIZATION"] == "Bearer other"
    assert "sk-1" not in seen["HTTP_SEC_WEBSOCKET_PROTOCOL"]

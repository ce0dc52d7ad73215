from __future__ import annotations

import pytest

from appliance.domain.cancel import CancelToken
from appliance.http.dialects.ollama.greeting import expected_by
from appliance.http.exchange import Request
from appliance.serving.answer import Caller


def request(**headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request("GET", "/", Caller("", "req_1", CancelToken()), headers=named)


@pytest.mark.parametrize(
    "agent", ["ollama-python/0.6.3 (x86_64 linux)", "ollama/0.12.11 (arm64 darwin)", "Ollama-js/1"]
)
def test_ollamas_own_clients_are_greeted(agent: str) -> None:
    assert expected_by(request(user_agent=agent))


def test_who_comes_to_ollamas_port_is_greeted() -> None:
    assert expected_by(request(host="luna.local:11434", user_agent="Dart/3.5"))


def test_others_are_not() -> None:
    assert not expected_by(request())
    assert not expected_by(request(user_agent="Mozilla/5.0 (about ollama)"))
    assert not expected_by(request(host="luna.local", user_agent="curl/8"))

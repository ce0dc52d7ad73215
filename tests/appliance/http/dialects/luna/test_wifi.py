"""The handlers, with a provisioning service that says what the test wants."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from appliance.domain.cancel import CancelToken
from appliance.domain.keys import EVERYTHING, NOBODY
from appliance.errors import BadRequest, Forbidden, LunaError, NotFound
from appliance.http.dialects.luna.wifi import JOIN, WifiApi, routes
from appliance.http.errors import status_of
from appliance.http.exchange import Reply, Request
from appliance.serving.answer import Caller
from appliance.system.provisioning import (
    Hotspot,
    JoinResult,
    KnownNetwork,
    Network,
    Provisioning,
    ProvisioningRefused,
    Situation,
)

HOTSPOT = Hotspot(True, b"Luna-CAFE", False, "10.42.0.1/24", stays=False)
FRESH = Situation("hotspot", 0, None, HOTSPOT, "", ())
HOME = KnownNetwork(b"home", False, 5)
CONNECTED = JoinResult(1, b"home", "connected", "Luna is connected to home.", ("192.168.7.42/24",))


class Service(Provisioning):
    """Remembers what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.now = FRESH
        self.saved: tuple[KnownNetwork, ...] = ()
        self.ended: JoinResult | None = CONNECTED
        self.asked: list[tuple[object, ...]] = []

    def situation(self) -> Situation:
        return self.now

    def networks(self, *, scan: bool = False) -> tuple[Network, ...]:
        self.asked.append(("networks", scan))
        return (Network(b"\xff", "wpa-psk", 70, 2412, 3),)

    def known(self) -> tuple[KnownNetwork, ...]:
        return self.saved

    def forget(self, ssid: bytes) -> int:
        return sum(each.ssid == ssid for each in self.saved)

    def join(self, ssid: bytes, secret: bytes, options: Mapping[str, bool | str]) -> int:
        self.asked.append(("join", ssid, secret, dict(options)))
        if secret == b"short":
            raise ProvisioningRefused("A WiFi password has 8 to 63 characters.")
        return 1

    def wait(self, attempt: int, seconds: float) -> JoinResult | None:
        return self.ended


@pytest.fixture
def service() -> Service:
    return Service()


def ask(
    method: str = "GET", client: str = "127.0.0.1", body: object = None, **more: Any
) -> Request:
    encoded = b"" if body is None else json.dumps(body).encode()
    caller = Caller(client, "req_1", CancelToken())
    scopes = EVERYTHING if client == "127.0.0.1" else NOBODY
    return Request(method, "/wifi", caller, body=encoded, scopes=scopes, **more)


def told(reply: Reply) -> Any:
    assert isinstance(reply.body, bytes)
    return json.loads(reply.body)


def failed(service: Service, request: Request) -> tuple[int, Any]:
    """Status and body of a join that does not work, as the route renders it."""
    with pytest.raises(LunaError) as caught:
        WifiApi(service).join(request)
    reply = JOIN.render(caught.value, "req_1")
    assert reply.status == status_of(caught.value)
    return reply.status, told(reply)


def test_the_phone_app_joins_as_it_always_did(service: Service) -> None:
    reply = WifiApi(service).join(ask("POST", body={"uuid": "home", "password": "correct horse"}))
    assert reply.status == 200
    assert told(reply) == {
        "success": True,
        "stdout": "Luna is connected to home.",
        "stderr": "",
        "outcome": "connected",
        "addresses": ["192.168.7.42/24"],
    }
    assert service.asked == [("join", b"home", b"correct horse", {})]


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        ("wrong_password", 400),
        ("not_in_range", 400),
        ("no_address", 400),
        ("timed_out", 400),
        ("unavailable", 503),
        ("cancelled", 503),
    ],
)
def test_a_join_that_fails_says_why(service: Service, outcome: str, status: int) -> None:
    service.ended = replace(CONNECTED, outcome=outcome, message="Because.")
    wanted = {
        "success": False,
        "stdout": "",
        "stderr": "Because.",
        "outcome": outcome,
        "addresses": [],
    }
    assert failed(service, ask("POST", body={"uuid": "home"})) == (status, wanted)


def test_a_join_without_a_result_yet(service: Service) -> None:
    service.ended = None
    status, body = failed(service, ask("POST", body={"uuid": "home"}))
    assert (status, body["outcome"]) == (503, "pending")
    assert "/wifi/result" in body["stderr"]


def test_what_can_never_work_is_refused_in_the_same_shape(service: Service) -> None:
    status, body = failed(service, ask("POST", body={"uuid": "home", "password": "short"}))
    assert status == 400
    assert "8 to 63" in body["stderr"]
    status, body = failed(service, ask("POST", body={}))
    assert (status, body["success"]) == (400, False)
    assert "uuid" in body["stderr"]


def test_who_sits_on_the_setup_network_is_told_before_it_goes(service: Service) -> None:
    reply = WifiApi(service).join(ask("POST", "10.42.0.17", {"uuid": "home"}))
    assert reply.status == 202
    assert told(reply)["outcome"] == "pending"
    assert "Connect to home" in told(reply)["stdout"]


def test_with_a_second_radio_who_sits_there_may_wait(service: Service) -> None:
    service.now = replace(FRESH, hotspot=replace(HOTSPOT, stays=True))
    reply = WifiApi(service).join(ask("POST", "10.42.0.17", {"uuid": "home"}))
    assert reply.status == 200


def test_everything_that_can_be_said_of_a_network_is_passed_on(service: Service) -> None:
    body = {
        "id": "fffe",
        "password": "pw",
        "hidden": True,
        "security": "enterprise",
        "identity": "ann",
        "method": "ttls",
        "anonymous": "anyone",
        "domain": "uni.example",
        "certificate": "-----BEGIN CERTIFICATE-----",
    }
    WifiApi(service).join(ask("POST", body=body))
    given = {key: value for key, value in body.items() if key not in ("id", "password")}
    assert service.asked == [("join", b"\xff\xfe", b"pw", given)]


def test_before_the_first_network_everybody_may_and_afterwards_not(service: Service) -> None:
    api = WifiApi(service)
    request = ask("POST", "192.168.1.9", {"uuid": "home"})
    assert api.join(request).status == 200
    service.saved = (HOME,)
    for handler in (api.join, api.networks, api.known):
        with pytest.raises(Forbidden):
            handler(request)
    assert api.state(request).status == 200
    assert api.result(request).status == 200
    for admitted in ("127.0.0.1", "10.42.0.17"):
        assert api.networks(ask(client=admitted)).status == 200


def test_the_handlers_of_what_is_not_for_all_decide_themselves(service: Service) -> None:
    table = {(route.method, route.path): route for route in routes(WifiApi(service))}
    assert {key for key, route in table.items() if route.access == "own"} == {
        ("POST", "/wifi"),
        ("GET", "/wifi/networks"),
        ("GET", "/wifi/known"),
        ("DELETE", "/wifi/known/{id}"),
    }


def test_networks_and_saved_ones(service: Service) -> None:
    service.saved = (HOME,)
    api = WifiApi(service)
    assert told(api.networks(ask(query={"scan": "1"}))) == {
        "networks": [
            {
                "ssid": "\\xff",
                "id": "ff",
                "security": "wpa-psk",
                "strength": 70,
                "frequency_mhz": 2412,
                "age_s": 3,
            }
        ]
    }
    api.networks(ask())
    assert service.asked == [("networks", True), ("networks", False)]
    assert told(api.known(ask())) == {
        "networks": [{"ssid": "home", "id": "686f6d65", "hidden": False, "used": 5}]
    }


def test_a_network_is_forgotten_by_its_id(service: Service) -> None:
    service.saved = (HOME,)
    api = WifiApi(service)
    assert told(api.forget(ask("DELETE", parameters={"id": "686f6d65"}))) == {"success": True}
    for identifier in ("00", "nothing", ""):
        with pytest.raises(NotFound):
            api.forget(ask("DELETE", parameters={"id": identifier}))


def test_the_last_join_in_every_state(service: Service) -> None:
    api = WifiApi(service)
    assert told(api.result(ask()))["outcome"] == "none"
    service.now = replace(FRESH, joining=2, result=CONNECTED)
    assert told(api.result(ask()))["outcome"] == "pending"
    service.now = replace(FRESH, result=CONNECTED)
    shown = told(api.state(ask()))
    assert shown["last_join"]["message"] == "Luna is connected to home."
    assert shown["setup_network"]["ssid"] == "Luna-CAFE"


def test_a_refusal_of_the_service_is_a_bad_request() -> None:
    assert issubclass(ProvisioningRefused, BadRequest)

from __future__ import annotations

import logging
from dataclasses import replace
from ipaddress import ip_interface
from typing import Any

import pytest

from appliance.domain.cancel import CancelToken
from appliance.domain.hosts import Names
from appliance.domain.keys import EVERYTHING, Key, Keyring, Scope, digest
from appliance.errors import ConfigError, Forbidden, LunaError, RateLimited, UnknownHost
from appliance.http.access import Guard, Rules, everybody, rules_of
from appliance.http.exchange import Reply, Request
from appliance.http.routes import Operation, Route
from appliance.serving.answer import Caller
from appliance.settings import AccessSettings, RateSettings

LAN = "192.168.1.9"


def route(method: str = "GET", **more: Any) -> Route:
    return Route(method, "/x", lambda request: Reply(b""), Operation("", ""), **more)


def request(client: str = LAN, method: str = "GET", **headers: str) -> Request:
    named = {"host": "luna.local"} | {k.replace("_", "-"): v for k, v in headers.items()}
    return Request(method, "/x", Caller(client, "req_1", CancelToken()), headers=named)


def ring(**keys: Scope) -> Keyring:
    return Keyring(Key(name, frozenset({s}), digest(name)) for name, s in keys.items())


class Door:
    """A guard whose clock stands still until it is told otherwise."""

    def __init__(self, rules: Rules | None = None, keys: Keyring | None = None) -> None:
        self.now = 1000.0
        self.keys = keys or Keyring()
        self.guard = Guard(rules or Rules(), lambda: self.keys, lambda: self.now, lambda: 5000.25)

    def refusal(self, route: Route, request: Request) -> LunaError | None:
        return self.guard(route, request).refusal


def test_without_keys_all_but_administration_is_for_all() -> None:
    door = Door()
    assert door.refusal(route(), request()) is None
    assert door.refusal(route("POST"), request(method="POST", authorization="Bearer x")) is None
    assert isinstance(door.refusal(route(access="admin"), request()), Forbidden)
    assert door.refusal(route(access="admin"), request("127.0.0.1")) is None


def test_the_handler_learns_what_the_caller_may() -> None:
    door = Door(keys=ring(owner="admin"))
    assert door.guard(route(access="own"), request()).checked().scopes == frozenset()
    mine = request(authorization="Bearer owner")
    assert door.guard(route(access="own"), mine).checked().scopes == EVERYTHING
    with pytest.raises(Forbidden):
        Door().guard(route(access="admin"), request()).checked()


@pytest.mark.parametrize("access", ["open", "key", "own", "admin"])
@pytest.mark.parametrize("host", ["evil.example", "luna.local.evil.example:8080"])
def test_names_of_others_are_refused(access: Any, host: str) -> None:
    refused = Door().refusal(route(access=access), request("127.0.0.1", host=host))
    assert isinstance(refused, UnknownHost)
    assert "access.hosts" in refused.message
    own = Door(Rules(names=Names([host.partition(":")[0]])))
    assert own.refusal(route(access=access), request("127.0.0.1", host=host)) is None


@pytest.mark.parametrize(
    "row",
    [
        route(access="admin"),
        route("POST", access="admin"),
        route(access="own"),
        route("POST", changes=True),
        route(changes=True),
    ],
)
def test_pages_of_elsewhere_change_nothing(row: Route) -> None:
    door = Door(keys=ring(owner="admin"))
    mine = request("127.0.0.1", row.method, origin="http://evil.example")
    assert isinstance(door.refusal(row, mine), Forbidden)
    # Not even with a key: an origin that is meant to is configured.
    keyed = request(LAN, row.method, origin="http://evil.example", authorization="Bearer owner")
    assert isinstance(door.refusal(row, keyed), Forbidden)
    assert door.refusal(row, request("127.0.0.1", row.method, origin="http://luna.local")) is None
    trusting = Door(Rules(origins=["http://evil.example"]))
    assert trusting.refusal(row, mine) is None


def test_an_address_that_is_opened_on_the_device_itself() -> None:
    door = Door(keys=ring(owner="admin"))
    opened = request("127.0.0.1", user_agent="Mozilla/5.0")
    assert door.refusal(route(access="admin"), opened) is None
    changing = route(access="admin", changes=True)
    assert isinstance(door.refusal(changing, opened), Forbidden)
    keyed = request("127.0.0.1", user_agent="Mozilla/5.0", authorization="Bearer owner")
    assert door.refusal(changing, keyed) is None


def test_pages_of_elsewhere_may_use_the_models() -> None:
    asked = request(method="POST", origin="http://app.example", sec_fetch_site="cross-site")
    assert Door().refusal(route("POST"), asked) is None


def test_so_many_requests_a_minute() -> None:
    door = Door(Rules(rates={"generate": 2}))
    row = route("POST", rate="generate")
    first, second, third = (door.guard(row, request(method="POST")) for _ in range(3))
    assert (first.refusal, second.refusal) == (None, None)
    assert dict(first.headers) == {
        "X-RateLimit-Limit": "2",
        "X-RateLimit-Remaining": "1",
        "X-RateLimit-Reset": "5061",
    }
    assert dict(third.headers)["X-RateLimit-Remaining"] == "0"
    assert isinstance(third.refusal, RateLimited)
    assert third.refusal.retry_after == 60
    assert door.guard(row, request("192.168.1.10", "POST")).refusal is None
    assert door.guard(route("POST"), request(method="POST")).headers == ()
    door.now += 60
    assert door.guard(row, request(method="POST")).refusal is None


def test_refused_requests_count_too() -> None:
    door = Door(Rules(rates={"administration": 1}))
    row = route(access="admin")
    assert isinstance(door.refusal(row, request()), Forbidden)
    assert isinstance(door.refusal(row, request()), RateLimited)


def test_classes_of_routes() -> None:
    assert route().rate_class == "other"
    assert route("POST").rate_class == "inference"
    assert route("POST", access="admin").rate_class == "administration"
    assert route("POST", rate="log").rate_class == "log"


def test_a_refusal_is_logged_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    door = Door(keys=ring(phone="inference"))
    door.refusal(route(), request(authorization="Bearer luna_guess", x_api_key="luna_other"))
    assert "req_1 is refused: invalid_api_key" in caplog.text
    assert "guess" not in caplog.text
    assert "other" not in caplog.text


def test_rules_of_the_settings() -> None:
    access = AccessSettings(hosts=("a.example",), admin_networks=("10.42.0.1/24",))
    rules = rules_of(access, RateSettings(inference=7), "board.example")
    assert rules.names.has("a.example")
    assert rules.names.has("board.example")
    assert list(rules.networks) == [ip_interface("10.42.0.1/24")]
    assert (rules.rates["inference"], rules.rates["generate"], rules.rates["other"]) == (7, 60, 0)
    setup = replace(request("10.42.0.9"), address="10.42.0.1")
    assert Door(rules).refusal(route(access="admin"), setup) is None
    with pytest.raises(ConfigError, match="admin_networks"):
        rules_of(AccessSettings(admin_networks=("home",)), RateSettings(), "")


def test_everybody() -> None:
    assert everybody(route(access="admin"), request()).checked().scopes == EVERYTHING

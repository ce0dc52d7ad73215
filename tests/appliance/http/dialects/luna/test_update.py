"""Updates over HTTP, with a stand-in for RAUC on a real message bus."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from appliance.domain.cancel import CancelToken
from appliance.errors import BadRequest
from appliance.http.dialects.luna.update import UpdateApi, routes
from appliance.http.exchange import Request
from appliance.serving.answer import Caller
from appliance.settings import UpdateSettings
from appliance.system.rauc import Rauc, UpdateRefused
from appliance.updates.judge import is_judging
from tests.bus.daemon import Daemon
from tests.bus.fake_rauc import NAMES, FakeRauc, slot
from tests.bus.offered import offered

pytestmark = pytest.mark.needs("dbus-daemon")
URL = "https://example.org/newest.raucb"
BEGUN = {"version": "2.0", "status": "installing", "message": ""}
Ask = Callable[..., tuple[int, Any]]


@pytest.fixture
def fake() -> FakeRauc:
    return FakeRauc()


@pytest.fixture
def settings() -> UpdateSettings:
    return UpdateSettings()


@pytest.fixture
def ask(tmp_path: Path, fake: FakeRauc, settings: UpdateSettings) -> Iterator[Ask]:
    with Daemon(tmp_path) as daemon, offered(daemon.address, NAMES, fake.answer):
        api = UpdateApi(
            settings,
            partial(Rauc.connect, daemon.address),
            lambda: "1.5",
            partial(is_judging, daemon.address),
        )
        handlers = {route.method: route.handler for route in routes(api)}

        def asked(method: str, **body: Any) -> tuple[int, Any]:
            caller = Caller("127.0.0.1", "r", CancelToken())
            content = json.dumps(body).encode()
            reply = handlers[method](Request(method, "/luna/update", caller, body=content))
            assert isinstance(reply.body, bytes)
            return reply.status, json.loads(reply.body)

        yield asked


def test_both_systems_are_shown(ask: Ask) -> None:
    status, body = ask("GET")
    assert status == 200
    assert body["version"] == "1.5"
    assert body["systems"] == [
        {"name": "A", "running": True, "bootable": True, "version": "1.5"},
        {"name": "B", "running": False, "bootable": True, "version": "1.0"},
    ]
    assert (body["installing"], body["error"]) == (False, "")


def test_an_update_is_begun_and_followed(ask: Ask, fake: FakeRauc) -> None:
    url = "https://example.org/u.raucb"
    assert ask("POST", source=url) == (202, BEGUN)
    assert fake.asked == [("InstallBundle", url, {})]
    _, body = ask("GET")
    assert (body["installing"], body["percent"], body["message"]) == (True, 20, "Checking")


def test_an_older_one_has_to_be_wanted(ask: Ask, fake: FakeRauc) -> None:
    fake.bundle = "1.4"
    with pytest.raises(UpdateRefused, match=r"1\.4 is older than 1\.5.*allow_older"):
        ask("POST", source="/u.raucb")
    assert fake.asked == []
    assert ask("POST", source="/u.raucb", allow_older=True)[0] == 202


def test_the_way_back_stays_until_the_running_system_is_trusted(ask: Ask, fake: FakeRauc) -> None:
    fake.unit_states["luna-confirm"] = "active"
    with pytest.raises(UpdateRefused, match="prove itself"):
        ask("POST", source="/u.raucb")
    assert fake.asked == []


@pytest.mark.parametrize("source", ["u.raucb", "ftp://x/u", "-x", "file:///etc/passwd"])
def test_only_paths_and_urls_are_asked_for(ask: Ask, fake: FakeRauc, source: str) -> None:
    with pytest.raises(BadRequest, match="path, or a URL"):
        ask("POST", source=source)
    assert fake.asked == []


def test_only_administrators_may_begin() -> None:
    access = {
        route.method: (route.access, route.changes) for route in routes(UpdateApi(UpdateSettings()))
    }
    assert access == {"GET": ("key", False), "POST": ("admin", True)}


def test_without_a_source_and_a_configured_one_the_remedy_is_told(ask: Ask, fake: FakeRauc) -> None:
    with pytest.raises(BadRequest, match=r"updates\.url"):
        ask("POST")
    assert fake.asked == []
    assert ask("GET")[1]["url"] == ""


@pytest.mark.parametrize("settings", [UpdateSettings(url=URL)])
class TestTheNewest:
    def test_it_is_taken_from_where_the_settings_say(self, ask: Ask, fake: FakeRauc) -> None:
        assert ask("GET")[1]["url"] == URL
        assert ask("POST") == (202, BEGUN)
        assert fake.asked == [("InstallBundle", URL, {})]

    def test_what_runs_already_is_not_installed_again(self, ask: Ask, fake: FakeRauc) -> None:
        for fake.bundle in ("1.5", "1.4"):
            status, body = ask("POST")
            assert (status, body["version"], body["status"]) == (200, "1.5", "current")
            assert "not newer than 1.5" in body["message"]
        assert fake.asked == []

    def test_what_was_left_before_is_not_tried_again(self, ask: Ask, fake: FakeRauc) -> None:
        fake.slots = [slot("A", "booted", "good"), slot("B", "inactive", "bad", "2.0")]
        assert "did not do well" in ask("POST")[1]["message"]
        assert ask("POST", source=URL)[0] == 202


@pytest.mark.parametrize("settings", [UpdateSettings(allow_older=False)])
def test_a_device_may_be_forbidden_to_go_back(ask: Ask, fake: FakeRauc) -> None:
    fake.bundle = "1.4"
    with pytest.raises(UpdateRefused, match=r"updates\.allow_older"):
        ask("POST", source="/u.raucb", allow_older=True)
    assert fake.asked == []

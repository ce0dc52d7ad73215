"""A new system on trial, against a real dbus-daemon with stand-ins for RAUC and systemd."""

from __future__ import annotations

import asyncio
import itertools
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from appliance.updates import confirm as module
from appliance.updates.confirm import TRUSTED, confirm
from appliance.updates.trial import Verdict
from tests.bus.daemon import Daemon
from tests.bus.fake_rauc import NAMES, FakeRauc, slot
from tests.bus.offered import offered

pytestmark = pytest.mark.needs("dbus-daemon")
WELL = ("Mark", "good", "booted")
SICK = ("Mark", "bad", "booted")
RESTART = ("Reboot", False)


class Api(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass

    def address_string(self) -> str:
        return "unix"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Path]:
    """The socket of a server that is well."""
    with socketserver.ThreadingUnixStreamServer(str(tmp_path / "api.sock"), Api) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield tmp_path / "api.sock"
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.001)


def judged(folder: Path, fake: FakeRauc, api: Path, version: str = "2.0") -> Verdict:
    clock = itertools.count(0.0, 7.0)
    with Daemon(folder) as daemon, offered(daemon.address, NAMES, fake.answer):
        return asyncio.run(
            confirm(
                version, folder, 600, address=daemon.address, api=api, clock=lambda: next(clock)
            )
        )


def test_a_system_that_is_well_gets_its_tries_back(tmp_path: Path, api: Path) -> None:
    fake = FakeRauc()
    assert judged(tmp_path, fake, api) is Verdict.TRUST
    assert fake.asked == [WELL]
    assert (tmp_path / TRUSTED).read_text("utf-8") == "2.0 A"


def test_a_system_with_a_failed_service_is_left(tmp_path: Path, api: Path) -> None:
    fake = FakeRauc(unit_states={"luna-mdns": "failed"})
    assert judged(tmp_path, fake, api) is Verdict.GO_BACK
    assert fake.asked == [SICK, RESTART]
    assert not (tmp_path / TRUSTED).exists()


def test_a_system_whose_server_says_nothing_is_left(tmp_path: Path) -> None:
    fake = FakeRauc()
    assert judged(tmp_path, fake, tmp_path / "nobody") is Verdict.GO_BACK
    assert fake.asked == [SICK, RESTART]


def test_what_was_trusted_is_not_left_later(tmp_path: Path) -> None:
    (tmp_path / TRUSTED).write_text("2.0 A", "utf-8")
    fake = FakeRauc(unit_states={"luna-api": "failed"})
    assert judged(tmp_path, fake, tmp_path / "nobody") is Verdict.TRUST
    assert fake.asked == [WELL]


@pytest.mark.parametrize("trusted", ["1.9 A", "2.0 B", "", "\\udcff"])
def test_another_system_has_to_prove_itself(tmp_path: Path, trusted: str) -> None:
    (tmp_path / TRUSTED).write_bytes(trusted.encode("utf-8", "surrogatepass"))
    fake = FakeRauc()
    assert judged(tmp_path, fake, tmp_path / "nobody") is Verdict.GO_BACK


def test_where_there_is_no_other_system_nothing_is_left(tmp_path: Path, api: Path) -> None:
    # Sick for longer than there is patience, then well: a machine without a choice waits.
    fake = FakeRauc(slots=[slot("A", "booted", "good"), slot("B", "inactive", "bad")])
    api.rename(tmp_path / "away")
    threading.Timer(0.5, lambda: (tmp_path / "away").rename(api)).start()
    assert judged(tmp_path, fake, api) is Verdict.TRUST
    assert fake.asked == [WELL]

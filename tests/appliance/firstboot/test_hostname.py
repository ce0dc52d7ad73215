from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.firstboot.hostname import is_unchosen, set_host_name
from appliance.system.bus import Call
from tests.bus.daemon import Daemon
from tests.bus.offered import offered

NAMES = ["org.freedesktop.hostname1"]


@pytest.mark.parametrize(
    ("name", "unchosen"),
    [("localhost", True), ("", True), ("Debian", True), ("luna-cafe", False), ("kitchen", False)],
)
def test_a_chosen_name_is_known(name: str, unchosen: bool) -> None:
    assert is_unchosen(name) is unchosen


@pytest.fixture
def hostnamed(tmp_path: Path) -> Iterator[tuple[str, list[tuple[object, ...]]]]:
    """The address of a bus with a stand-in for systemd-hostnamed, and what that is asked."""
    asked: list[tuple[object, ...]] = []

    async def answer(call: Call) -> tuple[str, tuple[object, ...]]:
        asked.append((call.member, *call.body))
        return "", ()

    with Daemon(tmp_path) as daemon, offered(daemon.address, NAMES, answer):
        yield daemon.address, asked


@pytest.mark.needs("dbus-daemon")
def test_the_service_keeps_the_name(
    hostnamed: tuple[str, list[tuple[object, ...]]], tmp_path: Path
) -> None:
    address, asked = hostnamed
    set_host_name("luna-cafe", tmp_path / "hostname", address)
    assert asked == [("SetStaticHostname", "luna-cafe", False)]


@pytest.mark.needs("dbus-daemon")
def test_on_a_read_only_root_the_link_is_followed(
    hostnamed: tuple[str, list[tuple[object, ...]]], tmp_path: Path
) -> None:
    address, asked = hostnamed
    (tmp_path / "link").symlink_to("kept")
    set_host_name("luna-cafe", tmp_path / "link", address)
    assert (tmp_path / "kept").read_text("utf-8") == "luna-cafe\n"
    assert (tmp_path / "link").is_symlink()
    assert asked == [("SetHostname", "luna-cafe", False)]

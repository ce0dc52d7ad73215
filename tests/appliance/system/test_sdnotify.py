import os
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.system.sdnotify import notify, watchdog_interval


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    name = f"@luna-test-{uuid.uuid4()}" if request.param == "abstract" else f"{tmp_path}/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + name[1:] if name.startswith("@") else name)
        listener.settimeout(10)
        yield listener, name


def test_states_arrive_whole(manager: tuple[socket.socket, str]) -> None:
    listener, name = manager
    assert notify("READY=1\nSTATUS=läuft", {"NOTIFY_SOCKET": name})
    assert listener.recv(4096).decode() == "READY=1\nSTATUS=läuft"


@pytest.mark.parametrize("name", [None, "", "vsock:2:1234", "relative", "/nowhere/notify"])
def test_without_a_manager_nothing_happens(name: str | None) -> None:
    assert not notify("READY=1", {} if name is None else {"NOTIFY_SOCKET": name})


def test_a_name_too_long_for_a_socket_is_no_disaster() -> None:
    assert not notify("READY=1", {"NOTIFY_SOCKET": "/" + "x" * 500})


def test_the_watchdog_is_fed_twice_as_often_as_it_asks() -> None:
    assert watchdog_interval({"WATCHDOG_USEC": "30000000"}) == 15.0


def test_only_the_named_process_feeds_the_watchdog() -> None:
    environ = {"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "42"}
    assert watchdog_interval(environ, pid=42) == 1.0
    assert watchdog_interval(environ, pid=43) is None
    assert watchdog_interval(environ | {"WATCHDOG_PID": str(os.getpid())}) == 1.0


@given(st.text(max_size=20))
def test_an_interval_is_positive_or_none(text: str) -> None:
    interval = watchdog_interval({"WATCHDOG_USEC": text})
    assert interval is None or interval > 0

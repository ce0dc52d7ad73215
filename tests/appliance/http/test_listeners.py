"""Listening sockets, bound or inherited."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from appliance import settings
from appliance.errors import ConfigError
from appliance.http import listeners
from appliance.http.listeners import Listener, bind, inherited
from appliance.settings import ServerSettings
from tests.helpers.wire import descriptors


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def bound(opened: ExitStack, host: str, port: int = 0) -> list[Listener]:
    found = bind(host, port)
    for listener in found:
        opened.enter_context(closing(listener.socket))
    return found


def port_of(listener: Listener) -> int:
    assert isinstance(listener.address, tuple)
    return listener.address[1]


@pytest.mark.parametrize("host", ["", "::"])
def test_everything_is_both_families(opened: ExitStack, host: str) -> None:
    [listener] = bound(opened, host)
    with socket.create_connection(("127.0.0.1", port_of(listener)), 5):
        pass
    if listener.socket.family == socket.AF_INET6:
        with socket.create_connection(("::1", port_of(listener)), 5):
            pass


def test_all_of_ipv4_is_not_ipv6(opened: ExitStack) -> None:
    [listener] = bound(opened, "0.0.0.0")
    assert listener.socket.family == socket.AF_INET


def test_without_ipv6_everything_is_ipv4(
    opened: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)
    [listener] = bound(opened, "")
    assert listener.socket.family == socket.AF_INET


def test_all_addresses_of_a_name_get_one_port(
    opened: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0))
        for address in ("127.0.0.1", "127.0.0.2", "127.0.0.1")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    addresses = [listener.address for listener in bound(opened, "two.example")]
    assert [address[0] for address in addresses] == ["127.0.0.1", "127.0.0.2"]
    assert addresses[0][1] == addresses[1][1] != 0


def test_a_port_can_be_taken_again_at_once(opened: ExitStack) -> None:
    [first] = bind("127.0.0.1", 0)
    port = port_of(first)
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        accepted, _ = first.socket.accept()
        accepted.close()
        first.socket.close()
        assert client.recv(1) == b""
    assert port_of(bound(opened, "127.0.0.1", port)[0]) == port


@pytest.mark.parametrize("host", ["127.0.0.1", ""])
def test_a_port_in_use_is_said_to_be(opened: ExitStack, host: str) -> None:
    [listener] = bound(opened, host)
    with pytest.raises(ConfigError, match=r"port \d+: another program uses this port"):
        bind(host, port_of(listener))


@pytest.mark.parametrize(
    ("host", "words"),
    [("203.0.113.1", "does not have that address"), ("nowhere.invalid", "is unknown")],
)
def test_a_foreign_host_is_refused(host: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if words == "is unknown":

        def unknown(*_: object, **__: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ConfigError, match=words):
        bind(host, 0)


@pytest.mark.parametrize("host", ["127.0.0.1", ""])
def test_missing_privileges_are_named(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket, "create_server", forbidden)
    with pytest.raises(ConfigError, match="below 1024 need privileges"):
        bind(host, 80)


CHILD = """
import json, os, ssl, sys
from appliance.errors import ConfigError
from appliance.http.listeners import inherited
environ = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": sys.argv[1]}
try:
    found = inherited(environ, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
except ConfigError as problem:
    print(problem)
else:
    print([listener.socket.family.name for listener in found])
    print([os.get_inheritable(listener.socket.fileno()) for listener in found])
    print(found[0].address)
    print([listener.tls is not None for listener in found])
    for listener in found:
        listener.socket.close()
"""


def hand_over(count: str, *descriptors: int) -> list[str]:
    """What a fresh process says about the descriptors, which become its 3, 4, …"""
    moves = " ".join(f"{3 + n}<&{9 + n}" for n in range(len(descriptors)))
    keeps = " ".join(f"{9 + n}<&{fd}" for n, fd in enumerate(descriptors))
    run = subprocess.run(
        ["bash", "-c", f'exec {keeps}; exec "$@" {moves}', "-", sys.executable, "-c", CHILD, count],
        pass_fds=descriptors,
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return run.stdout.splitlines()


def test_systemd_hands_over_three_families(opened: ExitStack, tmp_path: Path) -> None:
    unix = opened.enter_context(socket.socket(socket.AF_UNIX))
    unix.bind(str(tmp_path / "luna.sock"))
    unix.listen()
    [four], [six] = bound(opened, "127.0.0.1"), bound(opened, "")
    told = hand_over("3", four.socket.fileno(), six.socket.fileno(), unix.fileno())
    assert told[0] == str(["AF_INET", six.socket.family.name, "AF_UNIX"])
    assert told[1] == "[False, False, False]"
    assert told[2] == str(four.address)
    assert told[3] == "[True, True, False]", "a Unix socket needs no TLS"


def test_sockets_for_another_process_are_left_alone() -> None:
    assert inherited({}) == []
    assert inherited({"LISTEN_PID": "1", "LISTEN_FDS": "3"}) == []


def test_a_bad_count_is_refused() -> None:
    with pytest.raises(ConfigError, match="LISTEN_FDS must be a number"):
        inherited({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "many"})


def test_what_does_not_listen_is_refused(opened: ExitStack) -> None:
    datagrams = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    deaf = opened.enter_context(socket.socket(socket.AF_INET))
    null = os.open(os.devnull, os.O_RDONLY)
    opened.callback(os.close, null)
    for descriptor in (datagrams.fileno(), deaf.fileno()):
        assert "descriptor 3 does not listen for streams" in hand_over("1", descriptor)[0]
    assert "descriptor 3 is not a socket" in hand_over("1", null)[0]


def test_a_unix_listener_is_named_by_its_path(opened: ExitStack, tmp_path: Path) -> None:
    unix = opened.enter_context(socket.socket(socket.AF_UNIX))
    unix.bind(str(tmp_path / "s"))
    assert Listener(unix).address == str(tmp_path / "s")


def configured(opened: ExitStack, *more: settings.Listener, port: int = 0) -> list[Listener]:
    settings = ServerSettings(host="127.0.0.1", port=port, listeners=more)
    found = listeners.opened(settings, {})
    for listener in found:
        opened.enter_context(closing(listener.socket))
    return found


def test_more_addresses_have_their_own_dialect(opened: ExitStack) -> None:
    found = configured(
        opened,
        settings.Listener(0, "127.0.0.1", "wingman"),
        settings.Listener(0, "127.0.0.1", "ollama"),
        settings.Listener(0, "127.0.0.1"),
    )
    assert [listener.dialect for listener in found] == ["", "wingman", "ollama", ""]
    assert len({listener.port for listener in found}) == 4


def test_what_systemd_passed_is_not_bound_again(
    opened: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = [*bound(opened, "127.0.0.1"), *bound(opened, "127.0.0.1")]
    monkeypatch.setattr(listeners, "inherited", lambda environ, tls: list(passed))
    wanted = (
        settings.Listener(passed[1].port, dialect="wingman"),
        settings.Listener(0, "127.0.0.1"),
    )
    found = configured(opened, *wanted, port=1)
    assert [each.port for each in found[:1]] == [passed[0].port]
    assert {each.port: each.dialect for each in found}[passed[1].port] == "wingman"
    assert len(found) == 3


def test_nothing_stays_open_when_one_cannot_be_bound(opened: ExitStack) -> None:
    [taken] = bound(opened, "127.0.0.1")
    before = descriptors()
    with pytest.raises(ConfigError, match=str(taken.port)):
        configured(opened, settings.Listener(taken.port, "127.0.0.1"))
    assert descriptors() == before


def test_tls_needs_both_files() -> None:
    with pytest.raises(ConfigError, match="tls_key"):
        listeners.opened(ServerSettings(tls_certificate=Path("x")), {})

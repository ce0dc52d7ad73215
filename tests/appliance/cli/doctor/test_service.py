from __future__ import annotations

import socket
from pathlib import Path

import pytest

from appliance.cli.doctor import service
from appliance.cli.doctor.check import Level
from appliance.errors import ConfigError
from appliance.serving.toolbox import SHIPPED_TOOLS, Toolbox
from appliance.settings import ServerSettings
from tests.helpers.canned import CannedServer, http

LUNA = http(b'{"device":"luna"}')


def at(url: str) -> ServerSettings:
    return ServerSettings(host="127.0.0.1", port=int(url.rpartition(":")[2]))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def test_settings() -> None:
    assert "a.toml" in service.settings_files([Path("a.toml")], None).sentence
    assert "no file" in service.settings_files([], None).sentence
    found = service.settings_files([], ConfigError("server.port is wrong."))
    assert (found.level, found.sentence) == (Level.PROBLEM, "server.port is wrong.")


def test_a_luna_is_recognised() -> None:
    with CannedServer(LUNA) as server:
        assert service.server(server.url).level is Level.OK
        found = service.port(at(server.url))
    assert found.level is Level.OK
    assert "already" in found.sentence


def test_another_server_is_not() -> None:
    for answer in (http(b'{"device":"toaster"}'), http(b"<html>"), b""):
        with CannedServer(answer) as server:
            assert service.server(server.url).level is Level.PROBLEM
            found = service.port(at(server.url))
        assert found.level is Level.PROBLEM
        assert "another program uses this port" in found.sentence
        assert "--port" in found.remedy


def test_no_server() -> None:
    port = free_port()
    found = service.server(f"http://127.0.0.1:{port}")
    assert found.level is Level.PROBLEM
    assert "luna serve" in found.remedy
    found = service.port(ServerSettings(host="127.0.0.1", port=port))
    assert (found.level, found.sentence) == (Level.OK, f"Port {port} is free.")


def test_shipped_tools_are_well() -> None:
    found = service.tools(Toolbox((SHIPPED_TOOLS,)))
    assert found.level is Level.OK
    assert "get_current_time" in found.sentence


@pytest.mark.needs("root")  # only what is root's fails by its mode
def test_a_refused_tool_is_a_warning(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    found = service.tools(Toolbox((tmp_path,)))
    assert found.level is Level.WARNING
    assert "chmod go-w" in found.sentence

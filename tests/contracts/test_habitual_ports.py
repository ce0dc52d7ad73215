"""Where the clients of a dialect look for their server, it answers as they know it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.helpers.server import READY, RunningLuna
from tests.helpers.wire import Response, Wire, eventually

SETTINGS = """
[server]
listeners = [
    {port = 0, host = "127.0.0.1", dialect = "wingman"},
    {port = 0, host = "127.0.0.1", dialect = "ollama"},
    {port = 0, host = "127.0.0.1"},
]
"""


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[int]]:
    with RunningLuna(tmp_path_factory.mktemp("luna"), settings=SETTINGS) as luna:
        eventually(lambda: len(READY.findall(luna.log)) == 4, "four addresses")
        luna.wait_loaded()
        yield [int(url.rpartition(":")[2]) for url in READY.findall(luna.log)]


def get(port: int, path: str) -> Response:
    with Wire(port) as wire:
        return wire.request(path)


def test_health_is_everybodys_own(ports: list[int]) -> None:
    own, wingman, ollama, other = (json.loads(get(port, "/health").body) for port in ports)
    assert own["status"] == ollama["status"] == other["status"] == "healthy"
    assert wingman["status"] == "ok"
    assert (wingman["slots_idle"], wingman["slots_processing"]) == (4, 0)
    assert "slots" not in wingman
    slots = json.loads(get(ports[1], "/health?include_slots=1").body)["slots"]
    assert [slot["state"] for slot in slots] == [0, 0, 0, 0]


def test_ollama_says_that_it_runs(ports: list[int]) -> None:
    assert get(ports[2], "/").body == b"Ollama is running"
    assert json.loads(get(ports[0], "/").body)["device"] == "luna"


def test_wingman_is_not_particular_about_paths(ports: list[int]) -> None:
    assert get(ports[1], "/API/HardwareInfo/").status == 200
    assert get(ports[0], "/API/HardwareInfo/").status == 404


def test_everything_is_on_every_port(ports: list[int]) -> None:
    for port in ports:
        for path in ("/luna", "/v1/models", "/api/tags", "/api/inference", "/props", "/docs"):
            assert get(port, path).status == 200, (port, path)

"""The package on a real Debian and systemd: services are up, none as root, and all come back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.vm.container import Container, package
from tests.vm.inside import UNITS

pytestmark = [
    pytest.mark.needs("root", "systemd-nspawn", "mmdebstrap", "debhelper"),
    pytest.mark.timeout(900),
]
DEBIAN = 13


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    folder = tmp_path_factory.mktemp("machine")
    made = Container(folder, DEBIAN)
    made.install(package(DEBIAN, tmp_path_factory.mktemp("deb")))
    yield made
    made.do("dpkg", "--purge", "luna")
    left = [path for path in ("usr/lib/luna", "var/lib/luna", "etc/luna") if made.has(path)]
    assert left == []


@pytest.fixture(scope="module")
def report(machine: Container) -> dict[str, Any]:
    return machine.boot()


def test_every_service_is_up(report: dict[str, Any]) -> None:
    assert report["states"] == dict.fromkeys(UNITS, "active"), report["journal"]
    assert report["failed"] == ""


def test_it_answers_on_both_ports(report: dict[str, Any]) -> None:
    assert [each["device"] for each in report["luna"]] == ["luna", "luna"]
    assert report["answer"].startswith("Copy a GGUF file into the models folder")


def test_nothing_of_it_is_root(report: dict[str, Any]) -> None:
    assert report["owners"].keys() == set(UNITS)
    assert all(owner != 0 for owners in report["owners"].values() for owner in owners)


def test_what_is_killed_comes_back(report: dict[str, Any]) -> None:
    assert all(0 <= seconds < 20 for seconds in report["killed_s"].values()), report["killed_s"]
    assert report["answers_again"] == {"status": "ok"}


def test_a_restart_loses_no_request(report: dict[str, Any]) -> None:
    assert report["lost"] == []


def test_no_traceback_is_in_the_journal(report: dict[str, Any]) -> None:
    assert "Traceback" not in report["journal"], report["journal"]

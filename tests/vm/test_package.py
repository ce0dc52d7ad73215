"""The package on a real Debian and systemd: services are up, none as root, and all come back."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.vm.container import Container, package
from tests.vm.inside import UNITS

pytestmark = [
    pytest.mark.needs("root", "systemd-nspawn", "mmdebstrap", "debhelper"),
    pytest.mark.timeout(900),
]
DEBIAN = int(os.environ.get("LUNA_TEST_DEBIAN", "13"))  # 12 takes another five minutes
MOST_MB = 150.0
FEW = 5  # restarts, which a loop would soon exceed


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    folder = tmp_path_factory.mktemp("machine")
    made = Container(folder, DEBIAN)
    made.install(package(DEBIAN, tmp_path_factory.mktemp("deb")))
    yield made
    made.do("dpkg", "--purge", "luna")
    states = [f"var/lib/luna-{name}" for name in ("firstboot", "provisioning", "mdns", "watchdog")]
    places = ("usr/lib/luna", "var/lib/luna", "etc/luna", *states)
    assert [path for path in places if made.has(path)] == []


@pytest.fixture(scope="module")
def report(machine: Container) -> dict[str, Any]:
    return machine.boot("looked")


@pytest.fixture(scope="module")
def broken(machine: Container, report: dict[str, Any]) -> dict[str, Any]:
    """After an upgrade, which must change nothing that was kept."""
    machine.install_again()
    return machine.boot("broken", restarts=True)


@pytest.fixture(scope="module")
def reset(machine: Container, broken: dict[str, Any]) -> dict[str, Any]:
    return machine.boot("reset")


def test_every_service_is_up(report: dict[str, Any]) -> None:
    assert report["states"] == dict.fromkeys(UNITS, "active"), report["journal"]
    assert report["failed"] == ""


def test_it_answers_on_both_ports(report: dict[str, Any]) -> None:
    assert [each["device"] for each in report["luna"]] == ["luna", "luna"]
    assert report["answer"].startswith("Copy a GGUF file into the models folder")


def test_nothing_of_it_is_root(report: dict[str, Any]) -> None:
    assert report["owners"].keys() == set(UNITS)
    assert all(owner != 0 for owners in report["owners"].values() for owner in owners)


def test_it_knows_who_it_is_and_says_so(report: dict[str, Any]) -> None:
    assert report["firstboot"] == "active"
    assert re.search('^id = "[0-9a-f]{12}"$', report["identity"]["id"], re.MULTILINE)
    assert "PRIVATE KEY" in report["identity"]["key"]
    assert report["status"].startswith("Luna  luna-")
    assert "does not answer" not in report["status"]


def test_udev_has_no_complaint_about_the_rules(report: dict[str, Any]) -> None:
    if DEBIAN > 12:  # whose udev cannot verify
        assert "1 udev rules files have been checked" in report["rules"]
        assert "Success: 1" in report["rules"]


def test_it_needs_little_of_the_machine_while_nothing_is_asked(report: dict[str, Any]) -> None:
    memory = report["footprint"]["memory_mb"]
    assert sum(memory[unit] for unit in UNITS) < MOST_MB, memory


def test_what_is_killed_comes_back(report: dict[str, Any]) -> None:
    assert all(0 <= seconds < 20 for seconds in report["killed_s"].values()), report["killed_s"]
    assert report["answers_again"] == {"status": "ok"}


def test_a_restart_loses_no_request(report: dict[str, Any]) -> None:
    assert report["lost"] == []


def test_no_traceback_is_in_the_journal(report: dict[str, Any], broken: dict[str, Any]) -> None:
    assert "Traceback" not in report["journal"], report["journal"]
    assert "Traceback" not in broken["journal"], broken["journal"]


def test_who_it_is_was_settled_once(report: dict[str, Any], broken: dict[str, Any]) -> None:
    assert broken["firstboot"] == "no", "nothing is root any more"
    assert broken["identity"] == report["identity"]


def test_a_full_disk_stops_nothing(broken: dict[str, Any]) -> None:
    disk = broken["disk"]
    assert all(disk[each] >= 0 for each in ("began_s", "full_s", "again_s")), broken
    assert all(times <= FEW for times in disk["restarts"].values()), broken["journal"]


def test_it_comes_back_without_its_bus_and_without_its_state(broken: dict[str, Any]) -> None:
    assert broken["bus_s"] >= 0, broken["journal"]
    assert broken["state_s"] >= 0, broken["journal"]
    assert all(times <= FEW for times in broken["restarts"].values()), broken["restarts"]
    # Others on the bus may not get over its death, ours have to.
    assert "luna" not in broken["failed"]


def test_the_doctor_knows_the_device(report: dict[str, Any]) -> None:
    found = {each["name"]: each for each in json.loads(report["doctor"])}
    for name in ("services", "bus names", "identity", "data folder", "port"):
        assert found[name]["level"] == "ok", found[name]
    assert found["time"]["level"] != "problem"


def test_a_reset_restarts_it_and_leaves_who_it_is(
    report: dict[str, Any], reset: dict[str, Any]
) -> None:
    assert reset["well_s"] >= 0, reset["journal"]
    assert not reset["wish"]
    assert not reset["settings"]
    assert reset["models"]
    assert reset["identity"]["id"] == report["identity"]["id"]
    assert reset["identity"]["key"] != report["identity"]["key"]
    assert reset["failed"] == ""

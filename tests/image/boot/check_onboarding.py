"""A phone brings the device onto a WiFi: simulated radios, everything else as on a board."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.boot.tools import fetch
from tests.image.qemu import Hardware, Machine, running

pytestmark = pytest.mark.timeout(3600)
GUEST = Path(__file__).parents[1] / "guest"
SCENARIO_S = 1500.0


@pytest.fixture(scope="module")
def machine(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    # No cable: it would be what the device is reached by.
    with running(image, tmp_path_factory.mktemp("machine"), Hardware(network="none")) as made:
        package = made.share / "tests/image/guest"
        shutil.copytree(GUEST, package, ignore=shutil.ignore_patterns("__pycache__"))
        fetch("hostapd", "usr/sbin/hostapd", made.share / "tools")
        made.boot()
        made.settle()
        yield made


@pytest.mark.parametrize("scenario", ["onboarding"])
def test_a_phone_onboards_it(machine: Machine, scenario: str) -> None:
    report = machine.share / "wifi.json"
    command = "cd /run/share && PYTHONDONTWRITEBYTECODE=1 python3 -m tests.image.guest.wifi"
    answer = machine.do(f"{command} --out /run/share/wifi.json {scenario}", SCENARIO_S)
    told = json.loads(report.read_text("utf-8")) if report.exists() else {}
    assert told.get(scenario, {}).get("passed"), json.dumps(told, indent=1) + answer.output[-3000:]

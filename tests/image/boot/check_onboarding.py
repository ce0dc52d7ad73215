"""A phone brings the device onto a WiFi: simulated radios, everything else as on a board."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.image.boot.tools import fetch
from tests.image.guest.wifi.scenarios import SCENARIOS
from tests.image.qemu import Hardware, Machine, running

pytestmark = pytest.mark.timeout(3600)
GUEST = Path(__file__).parents[1] / "guest"
SCENARIOS_S = 3000.0


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


@pytest.fixture(scope="module")
def report(machine: Machine) -> dict[str, Any]:
    """What became of each scenario: all in one go, because radios can be made only once."""
    told = machine.share / "wifi.json"
    command = "cd /run/share && PYTHONDONTWRITEBYTECODE=1 python3 -m tests.image.guest.wifi"
    machine.do(f"{command} --out /run/share/wifi.json", SCENARIOS_S)
    content: dict[str, Any] = json.loads(told.read_text("utf-8"))
    return content


@pytest.mark.parametrize("scenario", [each.__name__ for each in SCENARIOS])
def test_wifi_in_the_image(report: dict[str, Any], scenario: str) -> None:
    assert report[scenario]["passed"], json.dumps(report[scenario], indent=1)
    print(report[scenario]["seconds"], report[scenario]["figures"])

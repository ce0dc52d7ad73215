"""The rules of RFC 6762 and RFC 6763 are kept, all but those that the README says are not."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.network.lab import ROOT, Lab, end
from tests.network.talk import Talk
from tests.network.test_discovery import advertise, device

README = ROOT / "appliance" / "mdns" / "README.md"
ROW = re.compile(r"^\| (?P<section>[\d. ]+) \| (?P<rule>.+?) \| (?P<kept>yes|no) \|$", re.M)

pytestmark = pytest.mark.needs("netns")


def documented() -> dict[tuple[str, str], bool]:
    rows = ROW.finditer(README.read_text(encoding="utf-8"))
    return {(row["section"], row["rule"]): row["kept"] == "yes" for row in rows}


def test_the_document_tells_how_far_the_rules_are_kept(network: Lab) -> None:
    box = device(network, "box", "10.9.0.1/24")
    judge = Talk(
        network.host("judge", "10.9.0.2/24").python("-m", "tests.network.conformance", "eth0")
    )
    running: list[subprocess.Popen[str]] = []
    found: dict[tuple[str, str], bool] = {}
    while event := judge.next(20):
        if event.get("order") == "start":
            running.append(advertise(box))
        elif event.get("order") == "stop":
            end(running.pop())
        else:
            found[event["section"], event["rule"]] = event["kept"]
    assert found == documented()

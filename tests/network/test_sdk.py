"""The Python SDK finds devices as an app on another host does: without the appliance's code."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import pytest

from tests.network.lab import ROOT, Host, Lab

pytestmark = pytest.mark.needs("netns")
SDK = str(ROOT / "appliance/sdk/python")
EXAMPLE = re.compile(r"^```python\n([^`]*discover\([^`]*)^```$", re.MULTILINE)
LIST = """
import dataclasses, json, sys
from luna_client import discover
print(json.dumps([{**dataclasses.asdict(each), "url": each.url} for each in discover(2.5)]))
assert not {"appliance", "pyroute2"} & sys.modules.keys()
"""


def found(by: Host) -> list[dict[str, Any]]:
    devices: list[dict[str, Any]] = json.loads(
        by.run(sys.executable, "-P", "-c", LIST, env={"PYTHONPATH": SDK})
    )
    return devices


def box(network: Lab, number: int) -> None:
    host = network.host(f"box{number}", f"10.9.0.{number}/24", f"fd00:9::{number}/64")
    (host.folder / "identity.toml").write_text(f'id = "ab12cd34ef5{number}"\n')
    host.python("-m", "appliance.mdns", "--name", f"Room {number}", "--port", "8123")


def test_devices_are_found(network: Lab) -> None:
    box(network, 1)
    box(network, 2)
    phone = network.host("phone", "10.9.0.9/24")
    devices = found(phone)
    assert [each["name"] for each in devices] == ["Room 1", "Room 2"]
    first = devices[0]
    assert first["id"] == "ab12cd34ef51"
    assert first["url"] == "http://10.9.0.1:8123"
    assert "fd00:9::1" in first["addresses"]
    assert first["host"].endswith(".local")
    assert (first["tls"], first["auth"], first["setup"]) == (False, False, False)

    example = EXAMPLE.search((ROOT / "appliance/sdk/README.md").read_text("utf-8"))
    assert example
    said = phone.run(sys.executable, "-P", "-c", example[1], env={"PYTHONPATH": SDK})
    assert said.splitlines()[0] == "ab12cd34ef51 Room 1 http://10.9.0.1:8123"


def test_where_there_is_none_there_is_none(network: Lab) -> None:
    assert found(network.host("phone", "10.9.0.9/24")) == []

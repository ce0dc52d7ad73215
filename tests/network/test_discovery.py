"""The advertiser on real interfaces, seen from other hosts."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.helpers.wire import eventually
from tests.network.conftest import HTTP, LUNA
from tests.network.lab import Host, Lab, end
from tests.network.talk import Event, Talk

Watch = Callable[..., Talk]

SOON_S = 5.0  # a second where nothing else runs; the README of the advertiser has what was measured
NO_RIGHTS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")

pytestmark = pytest.mark.needs("netns")


def device(network: Lab, name: str, *addresses: str, id: str = "ab12cd34ef56") -> Host:
    host = network.host(name, *addresses)
    (host.folder / "identity.toml").write_text(f'id = "{id}"\n')
    return host


def advertise(host: Host, *options: str) -> subprocess.Popen[str]:
    """Start the advertiser, without any right that a user of its own would not have."""
    return host.start(*NO_RIGHTS, sys.executable, "-m", "appliance.mdns", *options)


def named(name: str, *addresses: str) -> Callable[[Event], bool]:
    """An event about this instance that has all these addresses and no others, if any is named."""

    def wanted(event: Event) -> bool:
        found = event.get("addresses", [])
        return event.get("name") == name and (not addresses or found == sorted(addresses))

    return wanted


def test_it_is_found_within_a_second_of_its_start(network: Lab, watch: Watch) -> None:
    box = device(network, "box", "10.9.0.1/24", "fd00:9::1/64")
    phone = network.host("phone", "10.9.0.2/24", "fd00:9::2/64")
    browser = watch(phone, LUNA, HTTP)
    capture = Talk(network.hub.python("-m", "tests.network.capture", "br0"))
    capture.until(lambda event: "capturing" in event, "the capture")
    started = time.monotonic()
    advertise(box, "--name", "Kitchen")
    luna = browser.until(named(f"Kitchen.{LUNA}"), "the device")
    assert luna["at"] - started < SOON_S
    first = capture.until(lambda event: event["source"] == "10.9.0.1", "the first probe")
    assert 0.75 <= luna["at"] - first["at"] < 1.5  # 0.77 measured; 0.75 are the RFC's
    assert luna["host"] == "luna-ab12.local."
    assert luna["port"] == 8080
    assert luna["addresses"] == ["10.9.0.1", "fd00:9::1"]
    expected = {"id": "ab12cd34ef56", "name": "Kitchen", "txtvers": "1", "path": "/luna"}
    assert expected.items() <= luna["txt"].items()
    assert any(named(f"Kitchen.{HTTP}")(event) for event in browser.events + browser.gather(1))


def test_a_new_address_is_found_and_the_old_one_vanishes(network: Lab, watch: Watch) -> None:
    box = device(network, "box", "10.9.0.1/24")
    browser = watch(network.host("phone", "10.9.0.2/24"))
    advertise(box)
    browser.until(named(f"Luna ab12.{LUNA}"), "the device")
    time.sleep(1.1)  # what is younger than a second is not flushed (RFC 6762, 10.2)
    changed = time.monotonic()
    box.ip("addr", "flush", "dev", "eth0", "scope", "global")
    box.ip("addr", "add", "10.9.0.77/24", "dev", "eth0")
    browser.until(lambda event: "10.9.0.77" in event.get("addresses", []), "the new address")
    assert browser.events[-1]["at"] - changed < SOON_S
    assert "10.9.0.1" not in browser.events[-1]["addresses"]


def test_a_goodbye_is_said(network: Lab, watch: Watch) -> None:
    box = device(network, "box", "10.9.0.1/24")
    browser = watch(network.host("phone", "10.9.0.2/24"), LUNA, HTTP)
    process = advertise(box)
    browser.until(named(f"Luna ab12.{LUNA}"), "the device")
    end(process)
    gone = {
        browser.until(lambda event: event["event"] == "removed", "the goodbye")["name"]
        for _ in range(2)
    }
    assert gone == {f"Luna ab12.{LUNA}", f"Luna ab12.{HTTP}"}
    assert process.returncode == 0
    assert "Traceback" not in box.logs()


def test_each_interface_has_its_own_addresses(network: Lab, watch: Watch) -> None:
    network.bridge("br1")
    box = device(network, "box", "10.9.0.1/24")
    network.cable(box, "eth1", "10.8.0.1/24", bridge="br1")
    other = network.bare("other")
    network.cable(other, "eth1", "10.8.0.2/24", bridge="br1")
    here, there = watch(network.host("phone", "10.9.0.2/24")), watch(other)
    advertise(box)
    name = f"Luna ab12.{LUNA}"
    four = [
        [each for each in talk.until(named(name), "it")["addresses"] if "." in each]
        for talk in (here, there)
    ]
    assert four == [["10.9.0.1"], ["10.8.0.1"]]


def test_an_interface_comes_and_goes(network: Lab, watch: Watch) -> None:
    network.bridge("br1")
    box = device(network, "box", "10.9.0.1/24")
    here = watch(network.host("phone", "10.9.0.2/24"))
    other = network.bare("other")
    network.cable(other, "eth1", "10.8.0.2/24", bridge="br1")
    there = watch(other)
    advertise(box)
    name = f"Luna ab12.{LUNA}"
    here.until(named(name), "the device")
    plugged = time.monotonic()
    port = network.cable(box, "wlan0", "10.8.0.1/24", bridge="br1")
    assert there.until(named(name), "the second interface")["at"] - plugged < SOON_S
    network.hub.ip("link", "set", port, "down")
    eventually(lambda: "wlan0 is no longer announced on" in box.logs())
    network.hub.ip("link", "set", port, "up")
    eventually(lambda: box.logs().count("wlan0 announces") == 2)
    assert not [event for event in here.gather(0.5) if event["event"] == "removed"]


def test_devices_of_the_same_name_all_stay_reachable(network: Lab, watch: Watch) -> None:
    browser = watch(network.host("phone", "10.9.0.100/24"))
    for number, id in ((1, "aaaa"), (2, "bbbb"), (3, "bbbb")):  # the third is a clone
        advertise(device(network, f"box{number}", f"10.9.0.{number}/24", id=id), "--name=Home")
    found: dict[str, Any] = {}
    while len({event["host"] for event in found.values()}) < 3 or len(found) < 3:
        event = browser.until(lambda event: "name" in event, "three devices")
        found.pop(event["name"], None)
        if event["event"] != "removed":
            found[event["name"]] = event
    four = [[a for a in event["addresses"] if "." in a] for event in found.values()]
    assert sorted(four) == [["10.9.0.1"], ["10.9.0.2"], ["10.9.0.3"]]
    assert f"Home.{LUNA}" in found
    assert {"luna-bbbb.local.", "luna-bbbb-2.local."} < {e["host"] for e in found.values()}


def test_luna_discover_finds_every_device(network: Lab, watch: Watch) -> None:
    phone = network.host("phone", "10.9.0.100/24")
    browser = watch(phone)
    advertise(device(network, "box1", "10.9.0.1/24", id="aaaa"))
    process = advertise(device(network, "box2", "10.9.0.2/24", id="bbbb"), "--port=9000")
    for _ in range(2):
        browser.until(lambda event: event["event"] == "added", "both devices")
    watching = Talk(phone.python("-m", "appliance.cli.main", "discover", "--watch", "--json"))
    found = json.loads(phone.run(sys.executable, "-m", "appliance.cli.main", "discover", "--json"))
    assert [each["url"] for each in found] == ["http://10.9.0.1:8080", "http://10.9.0.2:9000"]
    assert [each["id"] for each in found] == ["aaaa", "bbbb"]
    second = {"instance": "Luna bbbb"}.items()
    watching.until(lambda event: second <= event.items() and event["present"], "it")
    end(process)
    watching.until(lambda event: second <= event.items() and not event["present"], "its end")

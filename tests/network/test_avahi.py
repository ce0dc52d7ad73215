"""The advertiser beside avahi: seen by it, and on one host with it."""

from __future__ import annotations

import sys
import time

import pytest

from tests.network.avahi import Avahi, found
from tests.network.conftest import LUNA
from tests.network.lab import Lab
from tests.network.test_discovery import SOON_S, Watch, advertise, device, named

pytestmark = pytest.mark.needs("netns", "avahi")


def test_avahi_finds_it_and_its_new_address(network: Lab) -> None:
    box = device(network, "box", "10.9.0.1/24")
    avahi = Avahi(network.host("laptop", "10.9.0.2/24"), "laptop")
    browse = avahi.browse("_luna._tcp")
    started = time.monotonic()
    advertise(box)
    fields = next(each for each in found(browse) if each[2] == "IPv4")
    assert time.monotonic() - started < SOON_S
    assert fields[3].replace("\\032", " ") == "Luna ab12"
    assert fields[6:9] == ["luna-ab12.local", "10.9.0.1", "8080"]
    assert '"id=ab12cd34ef56"' in fields[9]
    time.sleep(1.1)  # what is younger than a second is not flushed (RFC 6762, 10.2)
    box.ip("addr", "flush", "dev", "eth0", "scope", "global")
    box.ip("addr", "add", "10.9.0.77/24", "dev", "eth0")
    changed = time.monotonic()
    while avahi.resolve("luna-ab12.local") != "10.9.0.77":
        assert time.monotonic() - changed < SOON_S


def test_it_shares_a_host_with_avahi(network: Lab, watch: Watch) -> None:
    box = device(network, "box", "10.9.0.1/24")
    avahi = Avahi(box, "box")
    browser = watch(network.host("phone", "10.9.0.2/24"))
    advertise(box)
    event = browser.until(named(f"Luna ab12.{LUNA}"), "the device")
    assert event["host"] == "luna-ab12.local."
    other = Avahi(network.host("laptop", "10.9.0.3/24"), "laptop")
    assert other.resolve("box.local") == "10.9.0.1"
    assert other.resolve("luna-ab12.local") == "10.9.0.1"
    assert avahi.own_name == "box.local"


def test_the_host_name_of_the_system_is_left_to_avahi(network: Lab, watch: Watch) -> None:
    box = device(network, "box", "10.9.0.1/24")
    avahi = Avahi(box, "luna-ab12")
    browser = watch(network.host("phone", "10.9.0.2/24"))
    called = ("unshare", "--uts", "sh", "-c", 'hostname luna-ab12 && exec "$@"', "sh")
    box.start(*called, sys.executable, "-m", "appliance.mdns")
    event = browser.until(named(f"Luna ab12.{LUNA}"), "the device")
    assert event["host"] == "luna-ab12-2.local."
    assert avahi.own_name == "luna-ab12.local"

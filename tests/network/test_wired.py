"""A cable leads to Luna by the profile that is shipped, whatever is at its other end."""

from __future__ import annotations

import pytest

from tests.helpers.wire import eventually
from tests.network.conftest import LUNA
from tests.network.lab import ROOT, Host, Lab
from tests.network.manager import NetworkManager
from tests.network.test_discovery import Watch, advertise

pytestmark = pytest.mark.needs("netns", "networkmanager")

PROFILE = ROOT / "systemd/networkmanager/luna-wired.nmconnection"
SYSCTL = ROOT / "systemd/sysctl.d/luna-wired.conf"
FIXED = "169.254.200.10"


@pytest.fixture
def box(network: Lab) -> Host:
    host = network.bare("box")
    for line in SYSCTL.read_text().splitlines():
        if not line.startswith("#"):
            key, value = line.split(" = ")
            host.run("sh", "-c", f"echo {value} >/proc/sys/{key.replace('.', '/')}")
    (host.folder / "identity.toml").write_text('id = "ab12"\n')
    network.cable(host, "eth0")
    return host


def four(host: Host) -> set[str]:
    """IPv4 addresses with their prefix."""
    lines = host.run("ip", "-4", "address", "show", "dev", "eth0").splitlines()
    return {line.split()[1] for line in lines if line.split()[0] == "inet"}


def test_a_laptop_without_dhcp_reaches_it(network: Lab, box: Host, watch: Watch) -> None:
    laptop = network.host("laptop", "169.254.9.9/16")
    browser = watch(laptop)
    advertise(box)
    NetworkManager(box, PROFILE)
    eventually(lambda: f"{FIXED}/16" in four(box), "the fixed address")
    eventually(lambda: len(four(box)) == 2, "an address of its own beside it")
    assert all(address.startswith("169.254.") for address in four(box))
    event = browser.until(lambda event: FIXED in event.get("addresses", []), "the announcement")
    assert event["name"] == f"Luna ab12.{LUNA}"


def test_dhcp_comes_first(network: Lab, box: Host, watch: Watch) -> None:
    router = network.host("router", "10.7.0.1/24")
    options = "--conf-file=/dev/null --no-daemon --port=0 --interface=eth0 --user=root"
    pool = "--dhcp-range=10.7.0.50,10.7.0.60,60"
    files = [f"--dhcp-leasefile={router.folder}/leases", f"--pid-file={router.folder}/pid"]
    router.start("dnsmasq", *options.split(), pool, *files)
    browser = watch(router)
    advertise(box)
    NetworkManager(box, PROFILE)
    leased = browser.until(
        lambda event: any(a.startswith("10.7.0.") for a in event.get("addresses", [])), "the lease"
    )
    assert not any(address.startswith("169.254.") for address in leased["addresses"])
    assert f"{FIXED}/16" in four(box)


def test_two_on_one_network_do_not_share_the_address(network: Lab, box: Host) -> None:
    network.host("first", f"{FIXED}/16")
    NetworkManager(box, PROFILE)
    eventually(lambda: len(four(box)) == 1, "an address of its own")
    eventually(lambda: f"address {FIXED} is used" in box.logs(), "the other one's answer")
    assert f"{FIXED}/16" not in four(box)

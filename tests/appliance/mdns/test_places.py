from dataclasses import replace

import pytest

from appliance.mdns.places import Place, places
from appliance.settings import MdnsSettings
from appliance.system.netlink import Address, Link, Network

ETH = Link(2, "eth0", running=True, multicast=True, loopback=False, point_to_point=False)


def address(
    text: str, interface: str = "eth0", *, usable: bool = True, temporary: bool = False
) -> Address:
    family = 6 if ":" in text else 4
    return Address(interface, text, 24, family, True, False, usable, temporary)


def told(*found: Address, link: Link = ETH, settings: MdnsSettings | None = None) -> list[Place]:
    return list(places(Network((link,), found), settings or MdnsSettings()))


def test_routable_addresses_are_told_ipv4_first() -> None:
    found = told(address("fe80::1"), address("fd00::1"), address("10.0.0.2"), address("10.0.0.1"))
    addresses = ("10.0.0.1", "10.0.0.2", "fd00::1")
    assert found == [Place("eth0", 2, addresses, ("10.0.0.1", "fe80::1"))]


def test_a_bare_cable_has_link_local_addresses_only() -> None:
    (place,) = told(address("fe80::1"), address("169.254.200.10"), address("169.254.7.7"))
    assert place.addresses == ("169.254.200.10", "169.254.7.7", "fe80::1")
    assert place.senders == ("169.254.200.10", "fe80::1")


def test_each_family_falls_back_alone() -> None:
    (place,) = told(address("169.254.200.10"), address("fd00::1"))
    assert place.addresses == ("169.254.200.10", "fd00::1")
    assert place.senders == ("169.254.200.10", "fd00::1")


def test_addresses_that_do_not_last_are_not_told() -> None:
    assert told(address("fd00::1", usable=False)) == []
    assert told(address("fd00::1", temporary=True)) == []
    assert told() == []


@pytest.mark.parametrize(
    "link",
    [
        replace(ETH, running=False),
        replace(ETH, multicast=False),
        replace(ETH, loopback=True),
        replace(ETH, point_to_point=True),
    ],
)
def test_interfaces_without_neighbours_are_left_out(link: Link) -> None:
    assert told(address("10.0.0.1"), link=link) == []


def test_interfaces_are_chosen_by_name() -> None:
    bridge, here = replace(ETH, name="docker0"), address("10.0.0.1", "docker0")
    assert told(here, link=bridge) == []
    assert len(told(here, link=bridge, settings=MdnsSettings(interfaces=("dock*",)))) == 1
    assert len(told(here, link=bridge, settings=MdnsSettings(ignore=()))) == 1
    assert told(address("10.0.0.1"), settings=MdnsSettings(interfaces=("wlan*",))) == []

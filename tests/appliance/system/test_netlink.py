import errno
import ipaddress
import socket
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from appliance.system.netlink import (
    Address,
    NetlinkUnavailable,
    addresses,
    default_interface,
    is_wireless,
)


def test_this_machine_reaches_itself() -> None:
    own = [each for each in addresses() if each.address == "127.0.0.1"]
    assert [(each.prefix, each.family, each.up, each.wireless) for each in own] == [
        (8, 4, True, False)
    ]
    assert own[0].loopback


def test_every_address_is_one_and_its_interface_exists() -> None:
    for each in addresses():
        assert ipaddress.ip_address(each.address).version == each.family
        assert 0 <= each.prefix <= (32 if each.family == 4 else 128)
        assert socket.if_nametoindex(each.interface) > 0


def test_the_default_route_leaves_through_an_interface() -> None:
    name = default_interface()
    assert name is None or socket.if_nametoindex(name) > 0


def test_wireless_addresses_are_marked(tmp_path: Path) -> None:
    (tmp_path / "class/net/lo/phy80211").mkdir(parents=True)
    assert all(each.wireless == (each.interface == "lo") for each in addresses(tmp_path))


@pytest.mark.parametrize("mark", ["phy80211", "wireless"])
def test_wireless_interfaces_have_a_radio(tmp_path: Path, mark: str) -> None:
    (tmp_path / "class/net/wlan0" / mark).mkdir(parents=True)
    (tmp_path / "class/net/eth0").mkdir(parents=True)
    assert is_wireless("wlan0", tmp_path)
    assert not is_wireless("eth0", tmp_path)


@pytest.mark.parametrize("question", [addresses, default_interface])
def test_a_process_without_netlink_gets_a_typed_error(
    mocker: MockerFixture, question: object
) -> None:
    real = socket.socket

    def refuse(family: int = -1, *rest: int) -> socket.socket:
        if family == socket.AF_NETLINK:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return real(family, *rest)

    mocker.patch("appliance.system.netlink.socket.socket", refuse)
    assert callable(question)
    with pytest.raises(NetlinkUnavailable, match="AF_NETLINK"):
        question()


def route(interface: int, priority: int | None) -> dict[str, int | None]:
    return {"RTA_OIF": interface, "RTA_PRIORITY": priority}


@pytest.mark.parametrize(
    ("four", "six", "expected"),
    [
        ([route(2, 600), route(1, 100)], [], "eth0"),
        ([route(2, None), route(1, 100)], [], "wlan0"),
        ([], [route(2, 1024)], "wlan0"),
        ([route(9, 0), route(2, 5)], [], "wlan0"),
        ([], [], None),
    ],
)
def test_the_best_default_route_wins(
    mocker: MockerFixture,
    four: list[dict[str, int | None]],
    six: list[dict[str, int | None]],
    expected: str | None,
) -> None:
    kernel = mocker.patch("appliance.system.netlink.IPRoute").return_value.__enter__.return_value
    kernel.get_links.return_value = [
        {"index": 1, "IFLA_IFNAME": "eth0"},
        {"index": 2, "IFLA_IFNAME": "wlan0"},
    ]
    kernel.get_default_routes.side_effect = lambda family: four if family == 2 else six
    assert default_interface() == expected


def test_the_far_end_of_a_tunnel_is_not_our_address(mocker: MockerFixture, tmp_path: Path) -> None:
    kernel = mocker.patch("appliance.system.netlink.IPRoute").return_value.__enter__.return_value
    kernel.get_links.return_value = [{"index": 1, "IFLA_IFNAME": "wg0", "flags": 0}]
    kernel.get_addr.return_value = [
        {
            "index": 1,
            "family": 2,
            "prefixlen": 32,
            "IFA_LOCAL": "10.0.0.1",
            "IFA_ADDRESS": "10.0.0.2",
        },
        {"index": 7, "family": 2, "prefixlen": 32, "IFA_ADDRESS": "10.0.0.3"},
    ]
    assert addresses(tmp_path) == (Address("wg0", "10.0.0.1", 32, 4, up=False, wireless=False),)


def test_link_local_addresses_are_known() -> None:
    assert Address("eth0", "fe80::1", 64, 6, up=True, wireless=False).link_local
    assert not Address("eth0", "192.168.1.2", 24, 4, up=True, wireless=False).link_local

import asyncio
import errno
import ipaddress
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from appliance.system.netlink import (
    Address,
    Changes,
    NetlinkUnavailable,
    addresses,
    default_interface,
    is_wireless,
    network,
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


@pytest.mark.parametrize("question", [addresses, default_interface, Changes])
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


def test_link_local_addresses_are_known() -> None:
    assert Address("eth0", "fe80::1", 64, 6, up=True, wireless=False).link_local
    assert not Address("eth0", "192.168.1.2", 24, 4, up=True, wireless=False).link_local


def test_loopback_is_a_link_without_multicast() -> None:
    links = {each.name: each for each in network().links}
    assert links["lo"].loopback
    assert links["lo"].index == socket.if_nametoindex("lo")
    assert not links["lo"].point_to_point


IN_A_NAMESPACE = """
import asyncio, subprocess
from appliance.system.netlink import Changes, default_interface, network

def ip(*words):
    subprocess.run(["ip", *words], check=True)

async def scenario():
    with Changes() as changes:
        ip("link", "add", "here", "type", "veth", "peer", "name", "there")
        assert {"here", "there"} <= await changes.wait() | changes.drain()
        ip("addr", "add", "10.9.0.1/24", "dev", "here")
        ip("addr", "add", "fd00::9/64", "dev", "here", "nodad")
        assert await changes.wait() == frozenset()
        ip("link", "set", "here", "up")
        ip("link", "set", "there", "up")
        while not {each.name: each for each in network().links}["here"].running:
            await changes.wait()
        found = {each.address: each for each in network().addresses if each.interface == "here"}
        assert found["10.9.0.1"].usable and found["10.9.0.1"].prefix == 24
        assert found["fd00::9"].usable and found["fd00::9"].family == 6
        own = [each for each in found.values() if each.link_local]
        assert [each.usable for each in own] in ([], [False])  # being checked for duplicates
        assert default_interface() is None
        ip("route", "add", "default", "via", "10.9.0.2", "metric", "600")
        ip("route", "add", "10.8.0.0/16", "via", "10.9.0.2")
        assert default_interface() == "here"
        changes.drain()
        ip("link", "set", "there", "down")
        lost = await changes.wait()
        while "here" not in lost:
            lost |= await changes.wait()
        assert not {each.name: each for each in network().links}["here"].running
        ip("link", "add", "wg", "type", "veth", "peer", "name", "other")
        ip("addr", "add", "10.0.0.1", "peer", "10.0.0.2/32", "dev", "wg")
        assert "10.0.0.1" in {each.address for each in network().addresses}

asyncio.run(asyncio.wait_for(scenario(), 20))
"""


@pytest.mark.needs("netns")
def test_changes_are_told_as_they_come() -> None:
    command = ["unshare", "--net", sys.executable, "-W", "error", "-c", IN_A_NAMESPACE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_full_buffer_is_a_change(mocker: MockerFixture) -> None:
    full = mocker.patch("appliance.system.netlink._open").return_value
    full.recv.side_effect = [OSError(errno.ENOBUFS, "full"), BlockingIOError]
    loop = mocker.patch("appliance.system.netlink.asyncio.get_running_loop").return_value
    loop.sock_recv.side_effect = OSError(errno.ENOBUFS, "full")
    with Changes() as changes:
        assert asyncio.run(changes.wait()) == frozenset()
    full.close.assert_called_once()


def test_a_broken_socket_is_an_error(mocker: MockerFixture) -> None:
    broken = mocker.patch("appliance.system.netlink._open").return_value
    broken.recv.side_effect = OSError(errno.EBADF, "closed")
    with Changes() as changes, pytest.raises(NetlinkUnavailable):
        changes.drain()
